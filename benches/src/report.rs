//! The report: Markdown with the same layout every time, so that two of them can be compared line by line.

use std::fmt::Write as _;

/// A report that is being written. Everything is shown on standard output as well, as soon as it is known.
pub(crate) struct Report {
    text: String,
}

impl Report {
    /// Returns a report that has only its title.
    pub(crate) fn new() -> Self {
        let mut report = Self { text: String::new() };
        report.add("# Benchmarks\n");
        report.paragraph("Written by `cargo xtask bench`; do not edit. What is measured and why is in `benches/src/`.");
        report
    }

    /// Returns everything.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Adds the heading of a section.
    pub(crate) fn heading(&mut self, text: &str) {
        self.add(&format!("\n## {text}\n"));
    }

    /// Adds a paragraph.
    pub(crate) fn paragraph(&mut self, text: &str) {
        let mut lines = String::new();
        let mut width = 0;
        for word in text.split_whitespace() {
            if width > 0 && width + 1 + word.chars().count() > 120 {
                lines.push('\n');
                width = 0;
            } else if width > 0 {
                lines.push(' ');
                width += 1;
            }
            lines.push_str(word);
            width += word.chars().count();
        }
        self.add(&format!("\n{lines}\n"));
    }

    /// Adds a table.
    pub(crate) fn table<const COLUMNS: usize>(&mut self, head: [&str; COLUMNS], rows: &[[String; COLUMNS]]) {
        let mut text = format!("\n| {} |\n|{}\n", head.join(" | "), "---|".repeat(COLUMNS));
        for row in rows {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
        self.add(&text);
    }

    fn add(&mut self, text: &str) {
        print!("{text}");
        self.text.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_markdown() {
        let mut report = Report { text: String::new() };
        report.heading("Speed");
        report.table(["A", "B"], &[["1".to_owned(), "2".to_owned()]]);
        report.paragraph(&"word ".repeat(30));
        assert_eq!(
            report.text(),
            format!("\n## Speed\n\n| A | B |\n|---|---|\n| 1 | 2 |\n\n{}\n{}\n", ["word"; 24].join(" "), ["word"; 6].join(" "))
        );
    }
}
