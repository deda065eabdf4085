//! Which objects of a bucket a window needs: folders by their dates first, then names.

use super::keys::{self, Window};
use super::{Place, S3Object};
use crate::pull::call::Fault;
use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::RequestPayer;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Listings at a time.
const AT_ONCE: usize = 16;

/// Where to look next, and how.
enum Look {
    /// One level of folders.
    Folder(String),
    /// All below.
    Whole(String),
    /// Names in order of time: after the first, before the second.
    Dated { prefix: String, after: String, end: String },
}

/// What one look gave.
#[derive(Default)]
struct Seen {
    objects: Vec<S3Object>,
    next: Vec<Look>,
    /// Objects that were listed.
    listed: u64,
}

/// The objects under `prefix` that the window needs, by key; and how many objects were listed.
pub(super) async fn list(place: &Arc<Place>, prefix: String, window: Window) -> Result<(Vec<S3Object>, u64), Fault> {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    let look = |tasks: &mut JoinSet<_>, look: Look| {
        let (place, permits) = (Arc::clone(place), Arc::clone(&permits));
        tasks.spawn(async move {
            let _permit = permits.acquire_owned().await;
            place.look(look, window).await
        });
    };
    look(&mut tasks, Look::Folder(prefix));
    let (mut objects, mut listed) = (Vec::new(), 0);
    while let Some(seen) = tasks.join_next().await {
        let seen = seen.unwrap_or_else(|error| Err(Fault::Failed(error.to_string())))?;
        objects.extend(seen.objects);
        listed += seen.listed;
        seen.next.into_iter().for_each(|next| look(&mut tasks, next));
    }
    objects.sort_by(|a, b| a.key.cmp(&b.key));
    Ok((objects, listed))
}

impl Place {
    async fn page(
        &self,
        prefix: &str,
        delimiter: Option<&str>,
        after: Option<&str>,
        token: Option<&str>,
    ) -> Result<ListObjectsV2Output, Fault> {
        let request = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(prefix)
            .set_delimiter(delimiter.map(str::to_owned))
            .set_start_after(after.filter(|_| token.is_none()).map(str::to_owned))
            .set_continuation_token(token.map(str::to_owned))
            .set_request_payer(self.requester_pays.then_some(RequestPayer::Requester));
        self.caller.impatient().call(&self.lists, || request.clone().send()).await
    }

    async fn look(&self, look: Look, window: Window) -> Result<Seen, Fault> {
        match look {
            Look::Folder(prefix) => self.folder(&prefix, window).await,
            Look::Whole(prefix) => self.names(&prefix, None, None, window).await,
            Look::Dated { prefix, after, end } => self.names(&prefix, Some(&after), Some(&end), window).await,
        }
    }

    /// Folders directly below, and objects that lie beside them.
    async fn folder(&self, prefix: &str, window: Window) -> Result<Seen, Fault> {
        let mut seen = Seen::default();
        let mut token: Option<String> = None;
        let mut first = true;
        loop {
            let page = self.page(prefix, Some("/"), None, token.as_deref()).await?;
            token = page.next_continuation_token().map(str::to_owned);
            if std::mem::take(&mut first)
                && token.is_some()
                && let Some(shortcut) = shortcut(prefix, &page, window)
            {
                return match shortcut {
                    Shortcut::Look(look) => Ok(Seen { next: vec![look], ..Seen::default() }),
                    Shortcut::Distributions => self.distributions(prefix, window).await,
                };
            }
            seen.take(&page, window);
            let folders = page.common_prefixes().iter().filter_map(|folder| folder.prefix());
            for folder in folders.filter(|folder| window.needs_folder(folder)) {
                let folder = folder.to_owned();
                let whole = window.contains_folder(&folder);
                seen.next.push(if whole { Look::Whole(folder) } else { Look::Folder(folder) });
            }
            if token.is_none() {
                return Ok(seen);
            }
        }
    }

    /// Names in their order, and those that the window needs.
    async fn names(&self, prefix: &str, after: Option<&str>, end: Option<&str>, window: Window) -> Result<Seen, Fault> {
        let mut seen = Seen::default();
        let mut token: Option<String> = None;
        loop {
            let page = self.page(prefix, None, after, token.as_deref()).await?;
            token = page.next_continuation_token().map(str::to_owned);
            seen.take(&page, window);
            let last = page.contents().last().and_then(|object| object.key());
            if token.is_none() || last.zip(end).is_some_and(|(last, end)| last > end) {
                return Ok(seen);
            }
        }
    }

    /// CloudFront's names begin with that of the distribution, and go on in order of time.
    async fn distributions(&self, prefix: &str, window: Window) -> Result<Seen, Fault> {
        let mut seen = Seen::default();
        let mut token: Option<String> = None;
        loop {
            let page = self.page(prefix, Some("."), None, token.as_deref()).await?;
            token = page.next_continuation_token().map(str::to_owned);
            seen.take(&page, window);
            for prefix in page.common_prefixes().iter().filter_map(|folder| folder.prefix()) {
                let (after, end) = window.dated(prefix);
                seen.next.push(Look::Dated { prefix: prefix.to_owned(), after, end });
            }
            if token.is_none() {
                return Ok(seen);
            }
        }
    }
}

impl Seen {
    fn take(&mut self, page: &ListObjectsV2Output, window: Window) {
        self.listed += page.contents().len() as u64;
        // A folder that a console made is an object without bytes whose name ends so.
        let objects = page.contents().iter().filter_map(S3Object::of).filter(|object| !object.key.ends_with('/'));
        self.objects.extend(objects.filter(|object| window.needs_object(&object.key, object.modified)));
    }
}

enum Shortcut {
    Look(Look),
    Distributions,
}

/// A full page tells how the rest is listed with fewer calls.
fn shortcut(prefix: &str, page: &ListObjectsV2Output, window: Window) -> Option<Shortcut> {
    let names = || page.contents().iter().filter_map(|object| object.key()?.strip_prefix(prefix));
    let folders = || page.common_prefixes().iter().filter_map(|folder| folder.prefix());
    if folders().count() == 0 {
        if names().all(keys::begins_with_date) {
            let (after, end) = window.dated(prefix);
            return Some(Shortcut::Look(Look::Dated { prefix: prefix.to_owned(), after, end }));
        }
        return names().all(|name| keys::distribution(name).is_some()).then_some(Shortcut::Distributions);
    }
    // Folders by the thousand that say nothing of time, as the streams of an export task: one call for each costs
    // more than all names.
    let plain = |folder: &str| keys::folder_time(folder).is_none() && !folder.contains("AWSLogs/");
    (names().count() == 0 && folders().all(plain)).then(|| Shortcut::Look(Look::Whole(prefix.to_owned())))
}
