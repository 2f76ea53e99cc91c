//! Markdown of others as HTML: a fixed list of elements, and nothing of what the text says as markup.
//!
//! The parser's own printer would pass on HTML that stands in the text, pictures of other hosts and styles in attributes. Here each
//! element is written by name, so what is not in the list is not on the page.

use std::fmt;

use askama::filters::HtmlSafe;
use keepstep_platform::Platform;
use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use url::Url;

use crate::error_page::PageError;
use crate::parts::visible::Visible;

/// How much of a text is read, in bytes: every persona of the largest size.
const LONGEST: usize = 1024 * 1024;

/// How much HTML it may become, in bytes.
const LARGEST: usize = 2 * LONGEST;

/// How deeply elements may stand in each other: browsers give up at some depth, and nobody reads what is there.
const DEEPEST: usize = 40;

/// A text in Markdown as HTML.
///
/// HTML in the text is shown as the text that it is. A link leads to `http`, `https` or `mailto`, and any other one is only its words; so
/// is a picture, which becomes a link to itself. Headings begin one level below the heading that they stand under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Markdown(String);

impl Markdown {
    /// Returns the text as HTML, to stand below a heading of that level.
    pub(crate) fn of(text: &str, below: u8) -> Self {
        let read = &text[..text.floor_char_boundary(LONGEST)];
        let mut writer = Writer { html: String::new(), open: Vec::new(), in_head: false, in_link: false, level: below, below };
        let mut is_whole = read.len() == text.len();
        for event in Parser::new_ext(read, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
            if writer.html.len() > LARGEST {
                is_whole = false;
                break;
            }
            writer.write(event);
        }
        while let Some(end) = writer.open.pop() {
            writer.html += end;
        }
        if !is_whole {
            writer.html += "<p class=\"control\">… the rest is only in the plain text</p>";
        }
        Self(writer.html)
    }
}

/// Returns a text as HTML, to stand below a heading of that level. The work is done on a thread of its own: a text of the largest size
/// takes long enough to keep other requests waiting.
pub(crate) async fn of(platform: &Platform, text: String, below: u8) -> Result<Markdown, PageError> {
    Ok(platform.budgets.work(move || Markdown::of(&text, below)).await?)
}

impl fmt::Display for Markdown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl HtmlSafe for Markdown {}

struct Writer {
    html: String,
    /// What ends each element that is open; empty for one that was left out.
    open: Vec<&'static str>,
    in_head: bool,
    in_link: bool,
    /// The level of the last heading.
    level: u8,
    below: u8,
}

impl Writer {
    fn write(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => {
                let end = if self.open.len() < DEEPEST { self.begin(tag) } else { "" };
                self.open.push(end);
            }
            Event::End(tag) => {
                let end = self.open.pop().unwrap_or_default();
                self.in_head &= tag != TagEnd::TableHead;
                self.in_link &= !end.ends_with("</a>");
                self.html += end;
            }
            // HTML in the text is text.
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.html += "<code>";
                self.text(&text);
                self.html += "</code>";
            }
            Event::FootnoteReference(name) => self.text(&name),
            Event::SoftBreak => self.html.push('\n'),
            Event::HardBreak => self.html += "<br>\n",
            Event::Rule => self.html += "<hr>\n",
            Event::TaskListMarker(is_done) => self.html += if is_done { "☑ " } else { "☐ " },
        }
    }

    fn text(&mut self, text: &str) {
        self.html += &Visible::of(text).to_string();
    }

    /// Writes the beginning of an element and returns its end.
    fn begin(&mut self, tag: Tag<'_>) -> &'static str {
        let (begin, end) = match tag {
            Tag::Paragraph | Tag::HtmlBlock => ("<p>", "</p>\n"),
            Tag::Heading { level, .. } => self.heading(level),
            Tag::BlockQuote(_) => ("<blockquote>\n", "</blockquote>\n"),
            // It may be wider than the page, and is scrolled by keys then.
            Tag::CodeBlock(kind) => {
                self.html += "<pre class=\"command\" tabindex=\"0\"";
                if let CodeBlockKind::Fenced(language) = kind
                    && !language.trim().is_empty()
                {
                    self.html += " aria-label=\"";
                    self.text(Visible::of(&*language).plain());
                    self.html += "\"";
                }
                (">", "</pre>\n")
            }
            Tag::List(None) => ("<ul>\n", "</ul>\n"),
            Tag::List(Some(first)) => {
                self.html += &format!("<ol start=\"{first}\">\n");
                ("", "</ol>\n")
            }
            Tag::Item => ("<li>", "</li>\n"),
            Tag::Table(_) => ("<table>\n", "</tbody></table>\n"),
            Tag::TableHead => {
                self.in_head = true;
                ("<thead><tr>", "</tr></thead><tbody>\n")
            }
            Tag::TableRow => ("<tr>", "</tr>\n"),
            Tag::TableCell if self.in_head => ("<th scope=\"col\">", "</th>"),
            Tag::TableCell => ("<td>", "</td>"),
            Tag::Emphasis => ("<em>", "</em>"),
            Tag::Strong => ("<strong>", "</strong>"),
            Tag::Strikethrough => ("<del>", "</del>"),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => return self.link(&dest_url),
            Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => ("", ""),
        };
        self.html += begin;
        end
    }

    /// No level is left out, so that whoever goes from heading to heading does not look for one.
    fn heading(&mut self, level: HeadingLevel) -> (&'static str, &'static str) {
        let wanted = self.below.saturating_add(level as u8);
        self.level = wanted.min(self.level + 1).min(6);
        match self.level {
            0..=2 => ("<h2>", "</h2>\n"),
            3 => ("<h3>", "</h3>\n"),
            4 => ("<h4>", "</h4>\n"),
            5 => ("<h5>", "</h5>\n"),
            _ => ("<h6>", "</h6>\n"),
        }
    }

    fn link(&mut self, address: &CowStr<'_>) -> &'static str {
        let address = Url::parse(address).ok().filter(|url| matches!(url.scheme(), "http" | "https" | "mailto"));
        let Some(address) = address.filter(|_| !self.in_link) else { return "" };
        self.in_link = true;
        self.html += "<a rel=\"nofollow noopener noreferrer\" href=\"";
        self.text(address.as_str());
        self.html += "\">";
        "</a>"
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use scraper::{Html, Node};

    use super::*;

    fn html(text: &str) -> String {
        Markdown::of(text, 2).to_string()
    }

    #[test]
    fn what_people_write_is_shown_as_they_mean_it() {
        assert_eq!(
            html("# Who\n\nYou are **kind** and `brief`.\n\n1. one\n2. *two*\n\n### Deep\n\n> said\n"),
            "<h3>Who</h3>\n<p>You are <strong>kind</strong> and <code>brief</code>.</p>\n<ol start=\"1\">\n<li>one</li>\n\
             <li><em>two</em></li>\n</ol>\n<h4>Deep</h4>\n<blockquote>\n<p>said</p>\n</blockquote>\n"
        );
        assert_eq!(
            html("|a|b|\n|:-|-:|\n|1|2|\n"),
            "<table>\n<thead><tr><th scope=\"col\">a</th><th scope=\"col\">b</th></tr></thead><tbody>\n\
             <tr><td>1</td><td>2</td></tr>\n</tbody></table>\n"
        );
        assert_eq!(html("```js\n<b>\n```"), "<pre class=\"command\" tabindex=\"0\" aria-label=\"js\">&lt;b&gt;\n</pre>\n");
    }

    #[test]
    fn html_is_text_and_no_link_is_a_program() {
        assert_eq!(html("a <b onclick=x>c</b>"), "<p>a &lt;b onclick=x&gt;c&lt;/b&gt;</p>\n");
        assert_eq!(html("<script>\nalert(1)\n</script>"), "<p>&lt;script&gt;\nalert(1)\n&lt;/script&gt;</p>\n");
        for address in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java&#10;script:alert(1)",
            "&#x6a;avascript:alert(1)",
            "vbscript:x",
            "data:text/html,x",
            "file:///etc/passwd",
            "/sign-out",
            "//evil.example",
            "#x",
        ] {
            assert_eq!(html(&format!("[word]({address}) ![picture]({address})")), "<p>word picture</p>\n", "{address}");
        }
        assert_eq!(
            html("[a](https://x.example/?a=1&b=\"') <https://y.example>"),
            "<p><a rel=\"nofollow noopener noreferrer\" href=\"https://x.example/?a=1&amp;b=%22%27\">a</a> \
             <a rel=\"nofollow noopener noreferrer\" href=\"https://y.example/\">https://y.example</a></p>\n"
        );
        // A picture is a link; nothing is loaded.
        assert_eq!(
            html("[![chart](https://x.example/a.png)](https://y.example)"),
            "<p><a rel=\"nofollow noopener noreferrer\" href=\"https://y.example/\">chart</a></p>\n"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_shown_as_its_number() {
        assert_eq!(html("a\u{202e}b"), "<p>a<span class=\"control\">\\u{202e}</span>b</p>\n");
        assert!(html("`a\u{1b}[31m`").contains("\\u{1b}"));
    }

    #[test]
    fn a_text_that_explodes_is_cut() {
        for text in
            [">".repeat(200_000), "* ".repeat(200_000), "[".repeat(100_000), "x\n\n".repeat(700_000), "&".repeat(3_000_000)]
        {
            let html = html(&text);
            assert!(html.len() < LARGEST + 2 * LONGEST, "{}", html.len());
        }
        assert!(html(&"> ".repeat(100)).matches("<blockquote>").count() <= DEEPEST);
        assert!(html(&"ä".repeat(LONGEST)).ends_with("only in the plain text</p>"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Whatever a text says, the page has elements and attributes of the list only.
        #[test]
        fn no_text_makes_another_element(
            text in prop::collection::vec(
                prop_oneof![
                    "[a-c ]{1,3}",
                    prop::sample::select(vec![
                        "\n", "\n\n", "    ", "#", "> ", "* ", "1. ", "`", "```", "|", "|-|-|", "**", "_", "~~", "[", "](", ")", "![", "<",
                        ">", "</", "<b>", "<script>", "<!--", "-->", "javascript:", "https://x.example/", "\"", "'", "&", "&lt;",
                        "onclick=", "\0", "\\", "[^1]", "[^1]:", "---", "$", "\r\n", "\u{202e}",
                    ]).prop_map(str::to_owned),
                ],
                0..30,
            )
        ) {
            let text = text.concat();
            let html = html(&text);
            let parsed = Html::parse_fragment(&html);
            for node in parsed.tree.values() {
                let Node::Element(element) = node else { continue };
                let allowed: &[&str] = match element.name() {
                    "html" | "head" | "body" | "p" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "ul" | "li" | "table" | "thead" | "tbody" | "tr" | "td"
                    | "em" | "strong" | "del" | "code" | "br" | "hr" => &[],
                    "th" => &["scope"],
                    "ol" => &["start"],
                    "pre" => &["class", "tabindex", "aria-label"],
                    "span" => &["class"],
                    "a" => &["rel", "href"],
                    other => return Err(TestCaseError::fail(format!("<{other}> in {html}"))),
                };
                for (name, value) in element.attrs() {
                    prop_assert!(allowed.contains(&name), "{name} in {html}");
                    prop_assert!(name != "href" || value.starts_with("https://"), "{value} in {html}");
                }
            }
        }
    }
}
