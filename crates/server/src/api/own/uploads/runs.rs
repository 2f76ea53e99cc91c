//! The file with the runs, line by line.

use axum::body::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use keepstep_platform::RunStream;
use keepstep_store::Result;
use keepstep_store::artifacts::ContentError;
use keepstep_store::results::RunRecord;

/// The longest line in bytes.
const LONGEST: usize = 16 * 1024 * 1024;

/// Returns the runs in the bytes of their file, each with the length of its line.
pub(super) fn read(bytes: BoxStream<'static, Result<Bytes>>) -> RunStream {
    stream::try_unfold(Runs::new(bytes), |mut runs| async move { Ok(runs.next().await?.map(|run| (run, runs))) }).boxed()
}

/// The file with the runs, which is never in memory as a whole.
struct Runs {
    bytes: BoxStream<'static, Result<Bytes>>,
    /// What was read and is not a whole line yet.
    rest: Vec<u8>,
    /// Where in it the next line begins.
    start: usize,
    /// The number of the last line that was read.
    line: u64,
    is_over: bool,
}

impl Runs {
    fn new(bytes: BoxStream<'static, Result<Bytes>>) -> Self {
        Self { bytes, rest: Vec::new(), start: 0, line: 0, is_over: false }
    }

    /// Returns the next run and the length of its line; `None` after the last one.
    async fn next(&mut self) -> Result<Option<(RunRecord, usize)>> {
        while let Some(line) = self.next_line().await? {
            if !line.trim_ascii().is_empty() {
                let run = parse(&line).map_err(|reason| ContentError::Line { line: self.line, reason })?;
                return Ok(Some((run, line.len())));
            }
        }
        Ok(None)
    }

    async fn next_line(&mut self) -> Result<Option<Vec<u8>>> {
        let mut searched = self.start;
        loop {
            if let Some(length) = self.rest[searched..].iter().position(|byte| *byte == b'\n') {
                let end = searched + length;
                let line = self.rest[self.start..end].to_vec();
                self.start = end + 1;
                self.line += 1;
                return Ok(Some(line));
            }
            if self.rest.len() - self.start > LONGEST {
                let reason = format!("it is longer than {LONGEST} bytes");
                return Err(ContentError::Line { line: self.line + 1, reason }.into());
            }
            if self.is_over {
                let last = self.rest.split_off(self.start);
                self.rest.clear();
                self.start = 0;
                self.line += 1;
                return Ok(Some(last).filter(|last| !last.is_empty()));
            }
            self.rest.drain(..self.start);
            self.start = 0;
            searched = self.rest.len();
            match self.bytes.next().await {
                Some(bytes) => self.rest.extend_from_slice(&bytes?),
                None => self.is_over = true,
            }
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
        while let Some(line) = runs.next_line().await.unwrap() {
            lines.push(line);
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
