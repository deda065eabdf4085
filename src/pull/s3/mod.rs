//! Objects of a bucket → files.

mod get;
mod keys;
mod list;

pub use keys::Window;

use super::call::{Caller, Fault, Stats};
use super::pace::Pace;
use super::{Given, PullError, Session, quotas};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::types::Object;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use tokio::runtime::Runtime;

/// An object, as it was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Object {
    pub bucket: String,
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// With its quotation marks, as AWS gives it.
    pub etag: Option<String>,
    /// When it was written, milliseconds since 1970.
    pub modified: Option<i64>,
    pub storage_class: Option<String>,
}

impl S3Object {
    fn of(object: &Object) -> Option<Self> {
        Some(Self {
            bucket: String::new(),
            key: object.key()?.to_owned(),
            size: u64::try_from(object.size().unwrap_or(0)).unwrap_or(0),
            etag: object.e_tag().map(str::to_owned),
            modified: object.last_modified().and_then(|time| time.to_millis().ok()),
            storage_class: object.storage_class().map(|class| class.as_str().to_owned()),
        })
    }

    pub fn uri(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }
}

/// One bucket, as one identity.
pub struct Bucket {
    runtime: Arc<Runtime>,
    place: Arc<Place>,
    pub region: String,
    pub stats: Arc<Stats>,
}

/// What a request needs.
struct Place {
    client: Client,
    caller: Caller,
    bucket: String,
    requester_pays: bool,
    lists: Pace,
    gets: Pace,
}

impl Bucket {
    /// Finds the bucket's region. Whoever asks pays where `requester_pays`.
    pub fn connect(session: &Session, name: &str, requester_pays: bool, patience: Duration) -> Result<Self, PullError> {
        let region = session.runtime.block_on(region_of(session, name))?;
        let session = session.in_region(&region);
        let stats = Arc::new(Stats::default());
        let caller = session.caller(&stats, patience);
        let (lists, gets) = (Pace::new(quotas::S3_REQUESTS), Pace::new(quotas::S3_REQUESTS));
        let place = Place { client: client(&session), caller, bucket: name.to_owned(), requester_pays, lists, gets };
        Ok(Self { runtime: session.runtime, place: Arc::new(place), region, stats })
    }

    /// The objects under the prefix that the window needs, by key; and how many objects were listed.
    pub fn list(&self, prefix: &str, window: Window) -> Result<(Vec<S3Object>, u64), PullError> {
        let listed = self.runtime.block_on(list::list(&self.place, prefix.to_owned(), window));
        let (mut objects, listed) = listed.map_err(|fault| PullError::of("ListObjectsV2", fault))?;
        objects.iter_mut().for_each(|object| object.bucket.clone_from(&self.place.bucket));
        Ok((objects, listed))
    }

    /// Begins to fetch the objects into files in `folder`. The channel is closed when all is done.
    pub fn fetch(&self, folder: &Path, objects: Vec<S3Object>) -> Receiver<Given> {
        let (give, given) = std::sync::mpsc::channel();
        self.runtime.spawn(get::fetch(Arc::clone(&self.place), Arc::from(folder), objects, give));
        given
    }
}

pub(super) fn client(session: &Session) -> Client {
    // Repetitions are ours: each takes its turn like any other call.
    let config = aws_sdk_s3::config::Builder::from(&session.sdk)
        .force_path_style(session.has_endpoint())
        .retry_config(RetryConfig::disabled());
    Client::from_conf(config.build())
}

/// Where the bucket lies; AWS tells it even to those who asked in another region, or may not read it.
async fn region_of(session: &Session, name: &str) -> Result<String, PullError> {
    let answer = client(session).head_bucket().bucket(name).send().await;
    let error = match answer {
        Ok(answer) => return Ok(answer.bucket_region().map_or_else(|| session.region.clone(), str::to_owned)),
        Err(error) => error,
    };
    if let SdkError::ServiceError(service) = &error {
        if let Some(region) = service.raw().headers().get("x-amz-bucket-region") {
            return Ok(region.to_owned());
        }
        if service.raw().status().as_u16() == 404 {
            return Err(PullError::NoBucket { name: name.to_owned() });
        }
        // A HEAD's answer has no body, so that only listing tells what is wrong.
        return Ok(session.region.clone());
    }
    Err(PullError::of("HeadBucket", Fault::Failed(super::call::told(&error))))
}
