//! The file with the runs, line by line.

use axum::body::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use keepstep_base::lines::{LONGEST_LINE, Splitter};
use keepstep_platform::RunStream;
use keepstep_store::Result;
use keepstep_store::artifacts::ContentError;
use keepstep_store::results::RunRecord;

/// Returns the runs in the bytes of their file, each with the length of its line.
pub(super) fn read(bytes: BoxStream<'static, Result<Bytes>>) -> RunStream {
    stream::try_unfold(Runs::new(bytes), |mut runs| async move { Ok(runs.next().await?.map(|run| (run, runs))) }).boxed()
}

/// The file with the runs, which is never in memory as a whole.
struct Runs {
    bytes: BoxStream<'static, Result<Bytes>>,
    /// What was read and is not split into lines yet.
    rest: Bytes,
    splitter: Splitter,
    line: Vec<u8>,
}

impl Runs {
    fn new(bytes: BoxStream<'static, Result<Bytes>>) -> Self {
        Self { bytes, rest: Bytes::new(), splitter: Splitter::new(LONGEST_LINE), line: Vec::new() }
    }

    /// Returns the next run and the length of its line; `None` after the last one.
    async fn next(&mut self) -> Result<Option<(RunRecord, usize)>> {
        while let Some(line) = self.next_line().await? {
            if !self.line.trim_ascii().is_empty() {
                let run = parse(&self.line).map_err(|reason| ContentError::Line { line, reason })?;
                return Ok(Some((run, self.line.len())));
            }
        }
        Ok(None)
    }

    /// Reads the next line, and returns its number.
    async fn next_line(&mut self) -> Result<Option<u64>> {
        self.line.clear();
        loop {
            let (used, line) = self.splitter.take(&self.rest, &mut self.line);
            drop(self.rest.split_to(used));
            let line = match (line, self.rest.is_empty()) {
                (None, true) => match self.bytes.next().await {
                    Some(bytes) => {
                        self.rest = bytes?;
                        continue;
                    }
                    None => self.splitter.end(&mut self.line),
                },
                (line, _) => line,
            };
            let Some(line) = line else { return Ok(None) };
            if line.is_too_long {
                let reason = format!("it is longer than {LONGEST_LINE} bytes");
                return Err(ContentError::Line { line: line.number, reason }.into());
            }
            return Ok(Some(line.number));
        }
    }
}

fn parse(line: &[u8]) -> Result<RunRecord, String> {
    let run: RunRecord = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    if run.status.is_reported() { Ok(run) } else { Err("it has not ended".to_owned()) }
}

#[cfg(test)]
mod tests {
    use keepstep_store::StoreError;
    use proptest::prelude::*;

    use super::*;

    async fn lines(text: &[u8], piece: usize) -> Vec<Vec<u8>> {
        let pieces: Vec<_> = text.chunks(piece).map(|piece| Ok::<_, StoreError>(Bytes::copy_from_slice(piece))).collect();
        let mut runs = Runs::new(stream::iter(pieces).boxed());
        let mut lines = Vec::new();
        while runs.next_line().await.unwrap().is_some() {
            lines.push(runs.line.clone());
        }
        lines
    }

    proptest! {
        #[test]
        fn lines_are_the_same_however_the_bytes_come(text in "[a\n]{0,40}", piece in 1..10_usize) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let expected: Vec<Vec<u8>> = text.lines().map(|line| line.as_bytes().to_vec()).collect();
            prop_assert_eq!(runtime.block_on(lines(text.as_bytes(), piece)), expected);
        }
    }
}
