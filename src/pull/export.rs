//! Export tasks: AWS writes the events of a log group into a bucket, one task of an account and region at a time.
//! Facts: AWS, "CreateExportTask", "DescribeExportTasks".

use super::pace::Pace;
use super::{CloudWatchLogs, PullError, quotas};
use aws_sdk_cloudwatchlogs::types::{ExportTask, ExportTaskStatusCode};

/// What a task is to write, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    pub log_group: String,
    pub stream_prefix: Option<String>,
    /// Milliseconds since 1970, both inclusive.
    pub from: i64,
    pub to: i64,
    pub bucket: String,
    pub prefix: String,
}

impl Export {
    /// Tells our tasks from others': AWS does not say which streams a task is for.
    fn name(&self) -> String {
        format!("logsift {}", self.stream_prefix.as_deref().unwrap_or_default()).trim_end().to_owned()
    }

    fn is(&self, task: &ExportTask) -> bool {
        task.task_name() == Some(&self.name())
            && task.log_group_name() == Some(&self.log_group)
            && (task.from(), task.to()) == (Some(self.from), Some(self.to))
            && task.destination() == Some(&self.bucket)
            && task.destination_prefix() == Some(&self.prefix)
    }
}

/// How a task stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Pending or running.
    Going,
    Completed,
    /// Failed or cancelled, and why.
    Over(String),
}

fn state(task: &ExportTask) -> State {
    let status = task.status();
    match status.and_then(|status| status.code()) {
        Some(ExportTaskStatusCode::Pending | ExportTaskStatusCode::Running) => State::Going,
        Some(ExportTaskStatusCode::Completed) => State::Completed,
        code => {
            let code = code.map_or("of unknown state", ExportTaskStatusCode::as_str);
            State::Over(format!("{code} {}", status.and_then(|status| status.message()).unwrap_or_default()))
        }
    }
}

/// The export tasks of an account and region.
pub struct Exports<'a> {
    place: &'a CloudWatchLogs,
    pace: Pace,
}

impl<'a> Exports<'a> {
    pub fn new(place: &'a CloudWatchLogs) -> Self {
        Self { place, pace: Pace::new(quotas::EXPORT_TASKS * quotas::SHARE) }
    }

    /// All that AWS still knows, or the one of that id.
    fn tasks(&self, id: Option<&str>) -> Result<Vec<ExportTask>, PullError> {
        let (mut tasks, mut token) = (Vec::new(), None);
        loop {
            let CloudWatchLogs { client, caller, runtime, .. } = self.place;
            let request =
                client.describe_export_tasks().set_task_id(id.map(str::to_owned)).set_next_token(token.clone());
            let page = runtime
                .block_on(caller.call(&self.pace, || request.clone().send()))
                .map_err(|fault| PullError::of("DescribeExportTasks", fault))?;
            token = page.next_token().map(str::to_owned);
            tasks.extend(page.export_tasks.unwrap_or_default());
            if token.is_none() {
                return Ok(tasks);
            }
        }
    }

    /// The id of a task that does or did the same, as a run that was cut short has left it.
    pub fn find(&self, export: &Export) -> Result<Option<String>, PullError> {
        let tasks = self.tasks(None)?;
        let same = tasks.iter().find(|task| export.is(task) && !matches!(state(task), State::Over(_)));
        Ok(same.and_then(|task| task.task_id()).map(str::to_owned))
    }

    /// Whether a task is under way: there can be one only.
    pub fn are_busy(&self) -> Result<bool, PullError> {
        Ok(self.tasks(None)?.iter().any(|task| state(task) == State::Going))
    }

    /// Begins a task; gives its id.
    pub fn begin(&self, export: &Export) -> Result<String, PullError> {
        let CloudWatchLogs { client, caller, runtime, .. } = self.place;
        let request = client
            .create_export_task()
            .task_name(export.name())
            .log_group_name(&export.log_group)
            .set_log_stream_name_prefix(export.stream_prefix.clone())
            .from(export.from)
            .to(export.to)
            .destination(&export.bucket)
            .destination_prefix(&export.prefix);
        let begun = runtime.block_on(caller.call(&self.pace, || request.clone().send()));
        let begun = begun.map_err(|fault| PullError::of("CreateExportTask", fault))?;
        Ok(begun.task_id.unwrap_or_default())
    }

    pub fn state(&self, id: &str) -> Result<State, PullError> {
        let tasks = self.tasks(Some(id))?;
        Ok(tasks.first().map_or_else(|| State::Over("AWS does not know it any more".to_owned()), state))
    }
}
