//! Objects → files: several at a time, large ones in ranges, each of them the version that was listed.

use super::{Place, S3Object};
use crate::pull::Given;
use crate::pull::call::{FAILURES, Fault, wait_after};
use crate::pull::spool;
use aws_sdk_s3::types::RequestPayer;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Requests at a time.
const AT_ONCE: usize = 32;
/// A larger object is fetched in ranges of this many bytes.
const RANGE: u64 = 8 * 1024 * 1024;
/// No object is begun while so many bytes wait to be taken over.
const SPOOLED_BYTES: u64 = 1024 * 1024 * 1024;

/// Fetches the objects in their order; ends early when stopped or when nobody listens.
pub(super) async fn fetch(place: Arc<Place>, folder: Arc<Path>, objects: Vec<S3Object>, give: Sender<Given>) {
    // Ranges of large objects take turns of their own: who waits for them holds one of the others.
    let (permits, ranges) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(Semaphore::new(AT_ONCE)));
    let mut tasks = JoinSet::new();
    for object in objects {
        let stats = &place.caller.stats;
        while stats.spooled.load(Ordering::Relaxed) > SPOOLED_BYTES && !stats.is_stopped() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        if stats.is_stopped() {
            break;
        }
        let (place, folder, give, ranges) =
            (Arc::clone(&place), Arc::clone(&folder), give.clone(), Arc::clone(&ranges));
        tasks.spawn(async move {
            let got = place.object(&object, &folder, &ranges).await;
            drop(permit);
            let stats = &place.caller.stats;
            let told = match got {
                Ok(path) => {
                    stats.spooled.fetch_add(object.size, Ordering::Relaxed);
                    give.send(Given::Object { object, path })
                }
                Err(Fault::Stopped) => Ok(()),
                Err(Fault::Credentials(why)) => {
                    stats.stop.store(true, Ordering::Relaxed);
                    give.send(Given::Credentials(why))
                }
                Err(fault) => give.send(Given::Failed { what: object.uri(), why: explained(fault) }),
            };
            if told.is_err() {
                stats.stop.store(true, Ordering::Relaxed);
            }
        });
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
}

/// What can be done about it.
fn explained(fault: Fault) -> String {
    let text = fault.text();
    let hint = if text.contains("InvalidObjectState") {
        "; it lies in an archive class: restore it first (`aws s3api restore-object`)"
    } else if text.contains("kms") || text.contains("KMS") {
        "; it is encrypted with a KMS key: kms:Decrypt on that key is needed too"
    } else if matches!(fault, Fault::Denied(_)) {
        "; s3:GetObject is needed, and kms:Decrypt where the bucket encrypts with a KMS key"
    } else if matches!(fault, Fault::Invalid(_)) {
        "; it was written anew since it was listed: run the same command again"
    } else {
        ""
    };
    format!("{text}{hint}")
}

fn disk(error: io::Error) -> Fault {
    Fault::Failed(format!("the lake's folder cannot be written: {error}"))
}

impl Place {
    async fn object(
        self: &Arc<Self>,
        object: &S3Object,
        folder: &Path,
        ranges: &Arc<Semaphore>,
    ) -> Result<tempfile::TempPath, Fault> {
        let file = spool::file(folder, "").map_err(disk)?;
        let out = Arc::new(file.reopen().map_err(disk)?);
        let mut parts = JoinSet::new();
        for start in (RANGE..object.size).step_by(RANGE as usize) {
            let (place, out, object, ranges) = (Arc::clone(self), Arc::clone(&out), object.clone(), Arc::clone(ranges));
            parts.spawn(async move {
                let _permit = ranges.acquire_owned().await;
                place.range(&object, start, (start + RANGE).min(object.size), &out).await
            });
        }
        self.range(object, 0, RANGE.min(object.size), &out).await?;
        while let Some(part) = parts.join_next().await {
            part.unwrap_or_else(|error| Err(Fault::Failed(error.to_string())))?;
        }
        let size = out.metadata().map_err(disk)?.len();
        if size != object.size {
            return Err(Fault::Failed(format!("{size} bytes came, {} were listed", object.size)));
        }
        Ok(file.into_temp_path())
    }

    /// Bytes `[start, end)` of the object into their place; what came stays when the connection breaks.
    async fn range(&self, object: &S3Object, mut start: u64, end: u64, out: &File) -> Result<(), Fault> {
        let mut failures = 0;
        loop {
            let part = start > 0 || end < object.size;
            let request = self
                .client
                .get_object()
                .bucket(&self.bucket)
                .key(&object.key)
                .set_if_match(object.etag.clone())
                .set_range(part.then(|| format!("bytes={start}-{}", end - 1)))
                .set_request_payer(self.requester_pays.then_some(RequestPayer::Requester));
            let mut body = self.caller.call(&self.gets, || request.clone().send()).await?.body;
            let broken = loop {
                match body.next().await {
                    Some(Ok(bytes)) if start + bytes.len() as u64 > end => {
                        break "more bytes came than were asked for".to_owned();
                    }
                    Some(Ok(bytes)) => {
                        out.write_all_at(&bytes, start).map_err(disk)?;
                        start += bytes.len() as u64;
                        self.caller.stats.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                    }
                    Some(Err(error)) => break error.to_string(),
                    None if start < end => break "it ended early".to_owned(),
                    None => return Ok(()),
                }
            };
            failures += 1;
            self.caller.stats.retries.fetch_add(1, Ordering::Relaxed);
            if failures == FAILURES {
                return Err(Fault::Failed(format!(
                    "its bytes broke off {FAILURES} times, the last time with {broken}"
                )));
            }
            if self.caller.stats.is_stopped() {
                return Err(Fault::Stopped);
            }
            tokio::time::sleep(wait_after(failures)).await;
        }
    }
}
