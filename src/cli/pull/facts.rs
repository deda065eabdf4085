//! What was seen of an account → table `posture`.

use super::take::{folder, import_config};
use crate::cli::context::Context;
use crate::cli::import::tell_tally;
use crate::formats::Options;
use crate::lake::Lake;
use crate::lake::manifest::Change;
use crate::model::Origin;
use crate::pipeline::Silent;
use crate::pipeline::import::{Importer, Incoming};
use crate::pull::Fact;
use crate::report::jsonl;
use crate::source::walk::SourceFile;
use std::io::Write as _;

/// Puts the facts into the lake, as an object of that name.
pub(super) fn save(facts: &[Fact], name: &str, context: &Context) -> anyhow::Result<()> {
    if facts.is_empty() {
        return Ok(());
    }
    let mut lake = Lake::create(&context.settings.lake.value)?;
    let _lock = context.lock(&lake)?;
    lake.reload()?;
    let mut file = tempfile::Builder::new().prefix(".tmp-pull-").suffix(".jsonl").tempfile_in(folder(&lake))?;
    for fact in facts {
        jsonl::write_line(&mut file, fact)?;
    }
    file.flush()?;
    let size = file.as_file().metadata()?.len();
    let incoming = Incoming {
        file: SourceFile { path: file.path().to_path_buf(), size },
        name: Some(name.to_owned()),
        origin: Origin::default(),
        etag: None,
        keep: false,
    };
    let config = import_config(Options::default(), context);
    let mut importer = Importer::new(&config);
    let change = Change { by: "pull".to_owned(), ..Change::default() };
    importer.group(&mut lake, &[incoming], change, &Silent)?;
    let report = importer.finish(&mut lake, &Silent)?;
    tell_tally(&report, &lake, context);
    Ok(())
}
