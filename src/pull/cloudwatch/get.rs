//! Log groups → spools, by GetLogEvents: stream by stream, with a quota of its own. Worth it where a group has few
//! streams of many events: each stream costs two calls at least. Facts: AWS, "GetLogEvents".

use super::{Run, Slice, disk, shares};
use crate::pull::call::Fault;
use crate::pull::groups::LogGroup;
use crate::pull::spool::{LogEvent, Spool};
use aws_sdk_cloudwatchlogs::operation::get_log_events::GetLogEventsOutput;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A slice of a group, whose streams are fetched one by one.
pub(super) struct Unit {
    slice: Slice,
    /// Chains that are not at their end.
    left: AtomicUsize,
    spool: Mutex<Option<Spool>>,
}

/// One stream's part of it, or of that a range of time: half-open. Its beginning moves as events are kept.
pub(super) struct Chain {
    unit: Arc<Unit>,
    stream: Arc<str>,
    from: i64,
    to: i64,
}

impl Chain {
    pub(super) fn group(&self) -> Arc<LogGroup> {
        Arc::clone(&self.unit.slice.group)
    }
}

impl Run {
    /// The slice's streams, as chains to be fetched; none where there is no stream.
    pub(super) async fn streams(&self, slice: Slice) -> Result<Vec<Chain>, Fault> {
        let names = self.stream_names(&slice).await?;
        let spool = self.spool(&slice.group)?;
        let (from, to) = (slice.from, slice.to);
        let unit = Arc::new(Unit { slice, left: AtomicUsize::new(names.len()), spool: Mutex::new(Some(spool)) });
        if names.is_empty() {
            self.end(&unit)?;
        }
        let chain = |stream: &String| Chain { unit: Arc::clone(&unit), stream: Arc::from(stream.as_str()), from, to };
        Ok(names.iter().map(chain).collect())
    }

    async fn stream_names(&self, slice: &Slice) -> Result<Arc<Vec<String>>, Fault> {
        let known = || self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = known().get(&slice.group.arn) {
            return Ok(Arc::clone(names));
        }
        let fetcher = &self.fetcher;
        let names = super::streams(fetcher, &slice.group, usize::MAX).await?;
        let names = Arc::new(names);
        known().insert(slice.group.arn.clone(), Arc::clone(&names));
        Ok(names)
    }

    /// Follows one stream to its end.
    pub(super) async fn follow(&self, mut chain: Chain) -> Result<(), Fault> {
        match self.pages(&mut chain).await {
            // Deleted since it was listed.
            Ok(()) | Err(Fault::NotFound(_)) => {}
            Err(fault) => return Err(fault),
        }
        if chain.unit.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.end(&chain.unit)?;
        }
        Ok(())
    }

    async fn pages(&self, chain: &mut Chain) -> Result<(), Fault> {
        // AWS's own end stays the same along a chain; ours moves when others take a share.
        let mut asked = (chain.from, chain.to);
        let (mut token, mut held): (Option<String>, Vec<LogEvent>) = (None, Vec::new());
        let mut restarts = 0;
        loop {
            self.wait_for_room().await;
            let page = match self.page_of(chain, asked, token.as_deref()).await {
                // The token was too old: what is kept is done, the rest begins anew.
                Err(Fault::Invalid(why)) if super::is_token(&why) && restarts < super::RESTARTS => {
                    restarts += 1;
                    self.fetcher.caller.stats.retries.fetch_add(1, Ordering::Relaxed);
                    asked = (chain.from, chain.to);
                    (token, held) = (None, Vec::new());
                    continue;
                }
                page => page?,
            };
            let (next, events) = (page.next_forward_token, page.events.unwrap_or_default());
            self.count(events.iter().map(|event| event.message().unwrap_or_default()));
            let empty = events.is_empty();
            held.extend(events.into_iter().map(|event| LogEvent {
                log_stream_name: chain.stream.to_string(),
                timestamp: event.timestamp.unwrap_or(asked.0),
                message: event.message.unwrap_or_default(),
                ingestion_time: event.ingestion_time,
                event_id: None,
                masked: false,
            }));
            let last = held.iter().map(|event| event.timestamp).max();
            // The end is told by the token that was sent; pages before it may be empty.
            let ended = next.is_none() || (empty && next == token) || last.is_some_and(|last| last >= chain.to);
            if ended {
                held.retain(|event| event.timestamp < chain.to);
                return self.keep(&chain.unit, held);
            }
            token = next;
            if let Some(last) = last {
                // Those of the last millisecond wait for the rest of it: equal events belong into one file.
                let (done, rest) = held.into_iter().partition(|event| event.timestamp < last);
                held = rest;
                self.keep(&chain.unit, done)?;
                chain.from = last;
                self.share_chain(chain, last + 1);
            }
        }
    }

    async fn page_of(
        &self,
        chain: &Chain,
        (from, to): (i64, i64),
        token: Option<&str>,
    ) -> Result<GetLogEventsOutput, Fault> {
        let fetcher = &self.fetcher;
        let request = fetcher
            .client
            .get_log_events()
            .set_log_group_name(fetcher.ask.name_of(&chain.unit.slice.group))
            .set_log_group_identifier(fetcher.ask.identifier_of(&chain.unit.slice.group))
            .log_stream_name(&*chain.stream)
            .start_from_head(true)
            .start_time(from)
            // Exclusive, unlike that of FilterLogEvents.
            .end_time(to)
            .set_unmask(fetcher.ask.unmask.then_some(true))
            .set_next_token(token.map(str::to_owned));
        fetcher.caller.call(&fetcher.get, || request.clone().send()).await
    }

    /// Halves of what is left of a stream's time go to whoever has nothing to do.
    fn share_chain(&self, chain: &mut Chain, from: i64) {
        let keep_pace = self.fetcher.get.calls_at_once();
        let mut queue = self.queue();
        let idle = queue.gets.wanted(keep_pace, queue.chains.len());
        let (kept, given) = shares(from, chain.to, idle);
        chain.unit.left.fetch_add(given.len(), Ordering::AcqRel);
        queue.chains.extend(given.into_iter().map(|(from, to)| {
            let (unit, stream) = (Arc::clone(&chain.unit), Arc::clone(&chain.stream));
            Chain { unit, stream, from, to }
        }));
        chain.to = kept;
    }

    /// Into the unit's file; a file that is large is given before the unit is done, and claims no time.
    fn keep(&self, unit: &Unit, events: Vec<LogEvent>) -> Result<(), Fault> {
        let mut guard = unit.spool.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(spool) = guard.as_mut() else { return Ok(()) };
        for event in events {
            spool.push(event).map_err(disk)?;
        }
        if spool.bytes > super::SPOOL_BYTES {
            let full = std::mem::replace(spool, self.spool(&unit.slice.group)?);
            drop(guard);
            let nothing = Slice { to: unit.slice.from, ..unit.slice.clone() };
            self.give(nothing, full.end().map_err(disk)?);
        }
        Ok(())
    }

    fn end(&self, unit: &Unit) -> Result<(), Fault> {
        let spool = unit.spool.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(spool) = spool {
            self.give(unit.slice.clone(), spool.end().map_err(disk)?);
        }
        Ok(())
    }
}
