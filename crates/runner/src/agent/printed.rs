//! What a process prints, in bounded memory: its beginning and its end.

/// How much of the beginning is kept.
const HEAD: usize = 4 * 1024;

/// How much of the end is kept.
const TAIL: usize = 12 * 1024;

/// Bytes that were printed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Printed {
    head: Vec<u8>,
    tail: Vec<u8>,
    left_out: usize,
}

impl Printed {
    /// Adds bytes.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(HEAD.saturating_sub(self.head.len())));
        self.head.extend_from_slice(first);
        self.tail.extend_from_slice(rest);
        if self.tail.len() > 2 * TAIL {
            let cut = self.tail.len() - TAIL;
            self.left_out += cut;
            self.tail.drain(..cut);
        }
    }

    /// Adds what another one has kept.
    pub(crate) fn append(&mut self, text: &str) {
        if !self.is_empty() && !self.ends_with_line_feed() {
            self.add(b"\n");
        }
        self.add(text.as_bytes());
    }

    fn ends_with_line_feed(&self) -> bool {
        self.tail.last().or(self.head.last()) == Some(&b'\n')
    }

    fn is_empty(&self) -> bool {
        self.head.is_empty()
    }

    /// Returns it as a text; nothing where nobody would see anything.
    pub(crate) fn text(&self) -> Option<String> {
        let over = self.tail.len().saturating_sub(TAIL);
        let (left_out, tail) = (self.left_out + over, &self.tail[over..]);
        let mut bytes = self.head.clone();
        if left_out > 0 {
            bytes.extend_from_slice(format!("\n… {left_out} bytes left out …\n").as_bytes());
        }
        bytes.extend_from_slice(tail);
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end().trim_start_matches(['\n', '\r']);
        (!text.trim().is_empty()).then(|| text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn little_is_kept_as_it_is_and_much_in_bounds(pieces in proptest::collection::vec(("[a-zé\n ]{0,40}", 1usize..900), 0..40)) {
            let mut printed = Printed::default();
            let mut all = String::new();
            for (piece, times) in &pieces {
                let piece = piece.repeat(*times);
                all.push_str(&piece);
                printed.add(piece.as_bytes());
            }
            let text = printed.text().unwrap_or_default();
            if all.len() <= HEAD + TAIL {
                prop_assert_eq!(&text, all.trim_end().trim_start_matches('\n'));
            } else {
                prop_assert!(text.len() < HEAD + TAIL + 100, "{}", text.len());
                prop_assert!(text.is_empty() || text.contains("bytes left out") || text.len() < all.len());
            }
        }
    }
}
