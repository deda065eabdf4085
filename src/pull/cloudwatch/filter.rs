//! Log groups → spools, by FilterLogEvents: one chain of pages is serial, so a range of time is cut into slices that
//! are fetched side by side, and a slice that takes long is cut again by whoever is idle. Facts: AWS,
//! "FilterLogEvents".

use super::{Method, RESTARTS, Run, SPOOL_BYTES, Slice, disk, is_token, shares};
use crate::pull::call::Fault;
use crate::pull::spool::LogEvent;
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsOutput;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

impl Run {
    /// Takes halves of what is left of a slice for whoever is idle; gives the new end of the slice.
    fn share(&self, slice: &Slice, from: i64) -> i64 {
        let keep_pace = self.fetcher.filter.calls_at_once();
        let mut queue = self.queue();
        let idle = if slice.budget.is_some() { 0 } else { queue.filters.wanted(keep_pace, queue.slices.len()) };
        let (kept, given) = shares(from, slice.to, idle);
        let share = |(from, to)| Slice { from, to, shared: true, ..slice.clone() };
        queue.slices.extend(given.into_iter().map(share));
        kept
    }

    /// Gives the later half of what is left to GetLogEvents, where that has nothing to do and the half has a page for
    /// each stream: its quota would go unused otherwise. `pages`: how many are left, going by the last one. Gives the new end of the slice.
    fn share_with_gets(&self, slice: &Slice, from: i64, pages: i64) -> i64 {
        if slice.method != Method::Both || slice.to - from < 2 {
            return slice.to;
        }
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let streams = names.get(&slice.group.arn).map_or(0, |names| names.len()) as i64;
        drop(names);
        let mut queue = self.queue();
        let busy = queue.gets.working > 0 || queue.listing || !queue.chains.is_empty();
        if busy || streams == 0 || pages / 2 < streams || queue.slices.iter().any(|slice| !slice.shared) {
            return slice.to;
        }
        let middle = from + (slice.to - from) / 2;
        queue.slices.push_back(Slice { from: middle, ..slice.clone() });
        middle
    }

    pub(super) async fn filter(&self, slice: Slice) -> Result<(), Fault> {
        let mut restarts = 0;
        let mut at = slice;
        loop {
            match self.chain(&mut at).await {
                // A token that is refused was too old: what is done is done, the rest begins anew.
                Err(Fault::Invalid(why)) if is_token(&why) && restarts < RESTARTS => {
                    restarts += 1;
                    self.fetcher.caller.stats.retries.fetch_add(1, Ordering::Relaxed);
                }
                result => return result,
            }
        }
    }

    /// One chain of pages over a slice, whose beginning moves as spools are given.
    async fn chain(&self, slice: &mut Slice) -> Result<(), Fault> {
        let mut spool = self.spool(&slice.group)?;
        // AWS's own end stays the same along a chain; ours moves when others take a share.
        let asked = (slice.from, slice.to);
        let mut token: Option<String> = None;
        let mut bytes = 0;
        loop {
            self.wait_for_room().await;
            let page = self.page(slice, asked, token.as_deref()).await?;
            token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            let events = page.events.unwrap_or_default();
            let page_bytes = self.count(events.iter().map(|event| event.message().unwrap_or_default()));
            let mut beyond = false;
            let first = events.first().and_then(|event| event.timestamp()).unwrap_or(slice.from);
            for event in events {
                let timestamp = event.timestamp.unwrap_or(slice.from);
                beyond |= timestamp >= slice.to;
                if timestamp < slice.to {
                    let (message, event_id) = (event.message.unwrap_or_default(), event.event_id);
                    let log_stream_name = event.log_stream_name.unwrap_or_default();
                    let ingestion_time = event.ingestion_time;
                    let event =
                        LogEvent { log_stream_name, timestamp, message, ingestion_time, event_id, masked: false };
                    spool.push(event).map_err(disk)?;
                }
            }
            let sorted_up_to = spool.sorted_up_to();
            if token.is_none() || (beyond && sorted_up_to.is_some()) {
                break;
            }
            bytes += page_bytes;
            if slice.budget.is_some_and(|most| bytes >= most) {
                // Of the last millisecond there may be more.
                slice.to = sorted_up_to.unwrap_or(slice.from).clamp(slice.from, slice.to);
                break;
            }
            if let Some(last) = sorted_up_to {
                if spool.bytes > SPOOL_BYTES && last > slice.from {
                    let ended = spool.roll().map_err(disk)?;
                    self.give(Slice { to: last, ..slice.clone() }, ended);
                    slice.from = last;
                }
                let pages = (slice.to - last) / (last - first).max(1);
                slice.to = self.share_with_gets(slice, last + 1, pages);
                slice.to = self.share(slice, last + 1);
            }
        }
        self.give(slice.clone(), spool.end().map_err(disk)?);
        Ok(())
    }

    async fn page(
        &self,
        slice: &Slice,
        (from, to): (i64, i64),
        token: Option<&str>,
    ) -> Result<FilterLogEventsOutput, Fault> {
        let fetcher = &self.fetcher;
        let request = fetcher
            .client
            .filter_log_events()
            .set_log_group_name(fetcher.ask.name_of(&slice.group))
            .set_log_group_identifier(fetcher.ask.identifier_of(&slice.group))
            .start_time(from)
            // Inclusive.
            .end_time(to - 1)
            .set_log_stream_name_prefix(fetcher.ask.stream_prefix.clone())
            .set_filter_pattern(fetcher.ask.filter_pattern.clone())
            .set_unmask(fetcher.ask.unmask.then_some(true))
            .set_next_token(token.map(str::to_owned));
        fetcher.caller.call(&fetcher.filter, || request.clone().send()).await
    }
}
