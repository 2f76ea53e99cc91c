//! Reading, with the list of the project's files beside it.

use std::path::Path;

use keepstep_source::SourceError;

use crate::manifest::FileList;
use crate::modules::{Graph, with_deep_stack_beside};
use crate::read::read_graph;
use crate::typescript_agent::{Options, TypeScriptAgent};

/// Reads the agent as [`read`](crate::read()) does, and begins with the list of the project's files for the manifest meanwhile.
///
/// # Errors
///
/// As for [`read`](crate::read()). What is wrong with the list is told when the manifest is made.
pub fn read_and_list(root: &Path, options: &Options) -> Result<(TypeScriptAgent, FileList), SourceError> {
    let graph = Graph::new(root)?;
    let mut files = FileList::of(&graph.root);
    let source = with_deep_stack_beside(|| read_graph(graph, options), || files.step())?;
    Ok((source, files))
}
