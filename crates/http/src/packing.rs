//! Sending less: what a browser takes packed, and packing it.

use std::io::{self, Write as _};

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;
use flate2::Compression;
use flate2::write::GzEncoder;

/// How hard something is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// For one answer, in less time than sending the rest would take.
    Quick,
    /// For what is packed once and sent many times.
    Best,
}

/// A form in which a browser may take a text, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// RFC 8878.
    Zstd,
    /// RFC 1952.
    Gzip,
}

impl Packing {
    /// All of them, the best first.
    pub const ALL: [Self; 2] = [Self::Zstd, Self::Gzip];

    /// Returns its name in headers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// Returns true if a browser says that it takes this.
    pub fn is_taken(self, headers: &HeaderMap) -> bool {
        let lines = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).any(|one| {
            let mut parts = one.split(';').map(str::trim);
            let is_meant = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(self.name()));
            let is_refused = |weight: &str| weight.strip_prefix("q=").and_then(|q| q.trim().parse().ok()) == Some(0.0);
            is_meant && !parts.any(is_refused)
        })
    }

    /// Returns the best that a browser takes.
    pub fn best_for(headers: &HeaderMap) -> Option<Self> {
        Self::ALL.into_iter().find(|packing| packing.is_taken(headers))
    }

    /// Packs.
    ///
    /// # Errors
    /// There is too little memory.
    pub fn pack(self, content: &[u8], effort: Effort) -> io::Result<Vec<u8>> {
        let mut packed = match (self, effort) {
            (Self::Zstd, Effort::Quick) => zstd::bulk::compress(content, 3),
            (Self::Zstd, Effort::Best) => zstd::bulk::compress(content, 19),
            (Self::Gzip, Effort::Quick) => gzip(content, Compression::fast()),
            (Self::Gzip, Effort::Best) => gzip(content, Compression::best()),
        }?;
        // It was made with room for a text that cannot be packed.
        packed.shrink_to_fit();
        Ok(packed)
    }
}

fn gzip(content: &[u8], level: Compression) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(content)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_the_best_that_it_takes() {
        for (accepted, packing) in [
            ("gzip, deflate, br, zstd", Some(Packing::Zstd)),
            ("gzip, deflate, br", Some(Packing::Gzip)),
            ("GZIP;q=0.5", Some(Packing::Gzip)),
            ("zstd;q=0, gzip", Some(Packing::Gzip)),
            ("zstd; q=0.0", None),
            ("br, xgzip", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, accepted.parse().unwrap())]);
            assert_eq!(Packing::best_for(&headers), packing, "{accepted}");
        }
    }

    #[test]
    fn what_is_packed_is_unpacked_the_same() {
        let content = "words and words and words ".repeat(100);
        for effort in [Effort::Quick, Effort::Best] {
            let packed = Packing::Zstd.pack(content.as_bytes(), effort).unwrap();
            assert!(packed.capacity() < content.len() / 10, "{}", packed.capacity());
            assert_eq!(zstd::bulk::decompress(&packed, content.len()).unwrap(), content.as_bytes());
            let mut unpacked = String::new();
            let packed = Packing::Gzip.pack(content.as_bytes(), effort).unwrap();
            io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed[..]), &mut unpacked).unwrap();
            assert_eq!(unpacked, content);
        }
    }
}
