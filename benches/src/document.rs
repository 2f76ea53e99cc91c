//! The report that is kept in the repository. One section of it can be measured again and put in its place, because all of them take most of
//! an hour.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use keepstep_base::whole_file::{self, Policy};

/// The heading of the section that says on which machine and with which programs was measured.
pub(crate) const MACHINE: &str = "Machine and versions";

/// The row of the machine's table with our own version: figures of different versions do not stand beside each other.
const OUR_VERSION: &str = "keepstep";

/// Replaces a section of a document by the one of a report, and writes it. `order` has the headings of all sections. Where the section was
/// measured on another machine than the rest, it says so.
pub(crate) fn put(path: &Path, report: &str, heading: &str, order: &[&str]) -> Result<()> {
    let document = read(path)?;
    check_version(&document, report)?;
    let text = replaced(&document, report, heading, order)?;
    whole_file::write(path, text.as_bytes(), Policy::Kept).with_context(|| format!("cannot write {}", path.display()))
}

/// Makes sure that a document tells of the version that a report tells of.
pub(crate) fn check(path: &Path, report: &str) -> Result<()> {
    check_version(&read(path)?, report)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Returns the sections of a report, each with its heading and with its text from there to the next one.
fn sections(text: &str) -> Vec<(&str, &str)> {
    let starts: Vec<usize> =
        text.match_indices("## ").map(|(start, _)| start).filter(|start| *start == 0 || text[..*start].ends_with('\n')).collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let section = |(start, end): (&usize, usize)| {
        let text = &text[*start..end];
        (text.lines().next().unwrap_or_default().trim_start_matches("## "), text)
    };
    starts.iter().zip(ends).map(section).collect()
}

fn section<'t>(text: &'t str, heading: &str) -> Option<&'t str> {
    sections(text).into_iter().find(|(found, _)| *found == heading).map(|(_, text)| text)
}

fn check_version(document: &str, report: &str) -> Result<()> {
    let [before, now] = [document, report].map(|text| machine(text).get(OUR_VERSION).copied().unwrap_or("no version"));
    if before == now {
        return Ok(());
    }
    bail!(
        "the document was measured with {before} and this is {now}, so no section of it is replaced; measure all of them without `--only`"
    )
}

/// Returns the rows of the table that says on which machine and with which programs was measured.
fn machine(text: &str) -> BTreeMap<&str, &str> {
    let lines = section(text, MACHINE).unwrap_or_default().lines();
    let cells = lines.filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    cells.filter(|(name, _)| !name.trim().is_empty()).collect()
}

/// Returns what a section says of the machine that it was measured on, where that is not the document's; what was measured is compared within a
/// section only.
fn elsewhere(document: &str, report: &str) -> String {
    let there = machine(document);
    let others: Vec<String> = machine(report)
        .into_iter()
        .filter(|(name, now)| there.get(name).is_some_and(|before| before != now))
        .map(|(name, now)| format!("{name}: {now}"))
        .collect();
    if others.is_empty() {
        String::new()
    } else {
        format!("Measured elsewhere than the other sections. {}.\n\n", others.join("; "))
    }
}

/// Returns a document with a section of a report in place of its own, or where it belongs if it has none. Everything else stays as it is.
fn replaced(document: &str, report: &str, heading: &str, order: &[&str]) -> Result<String> {
    let new = section(report, heading).with_context(|| format!("nothing was measured under \"{heading}\""))?.trim_end();
    let new = &new.replacen("\n\n", &format!("\n\n{}", elsewhere(document, report)), 1);
    if let Some(old) = section(document, heading) {
        let start = old.as_ptr() as usize - document.as_ptr() as usize;
        let end = start + old.trim_end().len();
        return Ok([&document[..start], new, &document[end..]].concat());
    }
    let later = order.iter().skip_while(|known| **known != heading).skip(1);
    match later.filter_map(|later| section(document, later)).next() {
        Some(next) => {
            let start = next.as_ptr() as usize - document.as_ptr() as usize;
            Ok([&document[..start], new, "\n\n", &document[start..]].concat())
        }
        None => Ok([document, "\n", new, "\n"].concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: [&str; 4] = ["One", "Two", "Three", "Four"];

    const DOCUMENT: &str = "# Benchmarks\n\nWritten.\n\n## Machine and versions\n\n| keepstep | 0.1.0 |\n\n## One\n\n1  \n\n\n## Three\n\n| ## 3 |\n";

    fn report(machine: &str, heading: &str, text: &str) -> String {
        format!("# Benchmarks\n\nWritten otherwise.\n\n## {MACHINE}\n\n| keepstep | {machine} |\n\n## {heading}\n\n{text}\n")
    }

    #[test]
    fn a_section_is_replaced_and_all_else_stays_byte_for_byte() {
        for (heading, old, new) in [("One", "## One\n\n1", "## One\n\n11"), ("Three", "## Three\n\n| ## 3 |", "## Three\n\n33")] {
            let measured = report("0.1.0", heading, new.lines().last().unwrap());
            let text = replaced(DOCUMENT, &measured, heading, &ORDER).unwrap();
            assert_eq!(text, DOCUMENT.replace(old, new));
        }
        let same = replaced(DOCUMENT, DOCUMENT, "One", &ORDER).unwrap();
        assert_eq!(replaced(&same, &same, "Three", &ORDER).unwrap(), same);
    }

    #[test]
    fn a_section_that_is_new_stands_where_it_belongs() {
        let two = replaced(DOCUMENT, &report("0.1.0", "Two", "2"), "Two", &ORDER).unwrap();
        assert_eq!(two, DOCUMENT.replace("## Three", "## Two\n\n2\n\n## Three"));
        let four = replaced(DOCUMENT, &report("0.1.0", "Four", "4"), "Four", &ORDER).unwrap();
        assert_eq!(four, format!("{DOCUMENT}\n## Four\n\n4\n"));
        assert!(replaced(DOCUMENT, &report("0.1.0", "Four", "4"), "Two", &ORDER).is_err());
    }

    #[test]
    fn figures_of_other_versions_do_not_stand_beside_each_other() {
        assert!(check_version(DOCUMENT, &report("0.1.0", "Two", "2")).is_ok());
        let problem = check_version(DOCUMENT, &report("0.2.0", "Two", "2")).unwrap_err().to_string();
        assert!(problem.starts_with("the document was measured with 0.1.0 and this is 0.2.0"), "{problem}");
        assert!(check_version("", DOCUMENT).is_err());

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("benchmarks.md");
        std::fs::write(&path, DOCUMENT).unwrap();
        assert!(put(&path, &report("0.2.0", "One", "11"), "One", &ORDER).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), DOCUMENT);
        put(&path, &report("0.1.0", "One", "11"), "One", &ORDER).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), DOCUMENT.replace("1  \n\n\n", "11  \n\n\n"));
    }

    #[test]
    fn a_section_that_was_measured_elsewhere_says_so() {
        let with = |processor: &str| format!("| Processor | {processor} |\n| keepstep | 0.1.0 |");
        let on = |processor: &str, text: &str| text.replace("| keepstep | 0.1.0 |", &with(processor));
        let document = on("one", DOCUMENT);
        let text = replaced(&document, &on("two", &report("0.1.0", "One", "11")), "One", &ORDER).unwrap();
        assert!(text.contains("## One\n\nMeasured elsewhere than the other sections. Processor: two.\n\n11"), "{text}");
        // Measured here again, it does not.
        let again = replaced(&text, &on("one", &report("0.1.0", "One", "12")), "One", &ORDER).unwrap();
        assert!(again.contains("## One\n\n12") && !again.contains("elsewhere"), "{again}");
        // What the document does not say is no difference.
        let unsaid = replaced(DOCUMENT, &on("two", &report("0.1.0", "One", "11")), "One", &ORDER).unwrap();
        assert!(!unsaid.contains("elsewhere"), "{unsaid}");
    }
}
