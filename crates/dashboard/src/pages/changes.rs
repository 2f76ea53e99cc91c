//! `/changes`: what differs of each agent that waits for somebody, one diff under the other.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use keepstep_agent::definition::persona_text;
use keepstep_agent::{Definition, Field};
use keepstep_base::{AgentId, PersonaVersion};
use keepstep_http::addresses::{agent_path, segment};
use keepstep_platform::Platform;
use keepstep_store::{Agent, EditDraft, ProposalState};
use serde::Deserialize;

use crate::error_page::PageError;
use crate::parts::change_texts::{self, ChangeTexts, NamedText};
use crate::parts::diff_view::DiffRow;
use crate::parts::folders;
use crate::parts::frame::Frame;
use crate::parts::many_diffs::{BoundedDiff, DiffRoom, ReadingRoom};
use crate::parts::view::{Moment, page, title_of};
use crate::parts::visible::Visible;
use crate::parts::waiting::{self, AGENTS_OF_A_PAGE, AgentChange, AgentNews, ChangeKind, ChangeReason};
use crate::signed_in::SignedIn;

/// How many changes of an agent are shown: a check reports each branch of each repository.
const CHANGES_OF_AN_AGENT: usize = 5;

/// The kinds of changes: the name in the address, the words.
const KINDS: [(&str, &str); 4] =
    [("drift", "code that differs"), ("drafts", "drafts"), ("proposals", "proposals"), ("unsaved", "not saved")];

#[derive(Template)]
#[template(path = "changes.html")]
struct ChangesPage {
    frame: Frame,
    crumbs: Vec<(Visible, String)>,
    kinds: Vec<KindOfChange>,
    agents: Vec<ChangedAgent>,
    newer: Option<String>,
    older: Option<String>,
}

/// A filter.
struct KindOfChange {
    path: String,
    label: &'static str,
    count: usize,
    is_chosen: bool,
}

/// An agent and what differs.
struct ChangedAgent {
    id: AgentId,
    path: String,
    name: Visible,
    changes: Vec<ShownChange>,
    /// How many more changes there are than are shown.
    more: usize,
}

/// Something that differs.
struct ShownChange {
    since: Moment,
    path: String,
    /// What the page is called on which somebody goes on with it.
    label: Option<String>,
    what: ChangeReason,
    /// Where the code is, if it is the code that differs.
    place: Option<Visible>,
    missing: Missing,
    /// The fields besides the persona that differ, in words.
    others: String,
    diff: Option<ShownDiff>,
}

/// What this server does not have of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// Nothing.
    Nothing,
    /// The text in the code.
    Code,
    /// The text in the code; the diff is what changed here.
    CodeBeside,
    /// The text in the code, because nobody could read it.
    Unreadable,
}

/// Two texts side by side.
struct ShownDiff {
    old: String,
    new: String,
    /// The page that shows all of it.
    whole: String,
    rows: BoundedDiff,
}

/// What the address asks for.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ChangesQuery {
    /// Only the agents of this folder.
    folder: Option<String>,
    /// Only changes of this kind.
    show: Option<String>,
    page: Option<String>,
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    Query(asked): Query<ChangesQuery>,
) -> Result<Response, PageError> {
    let agents = platform.store.agents(&by.scope).await?;
    let news = AgentNews::read(&platform, &by, &agents).await?;
    let folder = asked.folder.as_deref().unwrap_or_default();
    let mut waiting = news.waiting(&agents);
    waiting.retain(|change| folder.is_empty() || folders::is_inside(title_of(change.agent), folder));
    let kind = asked.show.as_deref().filter(|kind| KINDS.iter().any(|(known, _)| known == kind));
    let kinds = kinds(folder, kind, &waiting);
    waiting.retain(|change| kind.is_none_or(|kind| kind_of(change) == kind));

    let order = waiting::agents_of(&waiting);
    let pages = order.len().div_ceil(AGENTS_OF_A_PAGE).max(1);
    let number = asked.page.as_deref().and_then(|number| number.parse().ok()).unwrap_or(1).clamp(1, pages);
    let mut by_agent: HashMap<&AgentId, Vec<AgentChange<'_>>> = HashMap::new();
    for change in &waiting {
        by_agent.entry(&change.agent.id).or_default().push(*change);
    }
    let of_page = order.iter().skip((number - 1) * AGENTS_OF_A_PAGE).take(AGENTS_OF_A_PAGE);
    let mut shown: Vec<(&Agent, Vec<AgentChange<'_>>, usize)> = Vec::new();
    for agent in of_page {
        let mut changes = by_agent.remove(&agent.id).unwrap_or_default();
        let more = changes.len().saturating_sub(CHANGES_OF_AN_AGENT);
        changes.truncate(CHANGES_OF_AN_AGENT);
        shown.push((agent, changes, more));
    }
    let changes: Vec<AgentChange<'_>> = shown.iter().flat_map(|(_, changes, _)| changes).copied().collect();
    let mut diffs = compare(&platform, &by, &changes).await?.into_iter();
    let agents = shown.into_iter().map(|(agent, changes, more)| ChangedAgent {
        id: agent.id.clone(),
        path: agent_path(&agent.id),
        name: Visible::of(title_of(agent)),
        changes: changes.iter().zip(&mut diffs).map(|(change, found)| shown_change(change, found)).collect(),
        more,
    });
    page(&ChangesPage {
        frame: Frame::of(&by.session),
        crumbs: folders::crumbs_to(folder, "/changes"),
        kinds,
        agents: agents.collect(),
        newer: (number > 1).then(|| address(folder, kind, number - 1)),
        older: (number < pages).then(|| address(folder, kind, number + 1)),
    })
}

/// Returns the address of a page of changes.
fn address(folder: &str, kind: Option<&str>, number: usize) -> String {
    let options = [
        (!folder.is_empty()).then(|| format!("folder={}", segment(folder))),
        kind.map(|kind| format!("show={kind}")),
        (number > 1).then(|| format!("page={number}")),
    ];
    let query: Vec<String> = options.into_iter().flatten().collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("/changes{mark}{}", query.join("&"))
}

/// Returns the name of the kind of a change.
fn kind_of(change: &AgentChange<'_>) -> &'static str {
    let at = match change.kind {
        ChangeKind::Drift(_) => 0,
        ChangeKind::Draft(_) => 1,
        ChangeKind::Proposal(_) => 2,
        ChangeKind::Unsaved => 3,
    };
    KINDS[at].0
}

/// Returns the filters that let something through, and the one that is chosen.
fn kinds(folder: &str, chosen: Option<&str>, changes: &[AgentChange<'_>]) -> Vec<KindOfChange> {
    let all = KindOfChange { path: address(folder, None, 1), label: "all", count: changes.len(), is_chosen: chosen.is_none() };
    let of_kind = |(name, label): &(&'static str, &'static str)| KindOfChange {
        path: address(folder, Some(name), 1),
        label,
        count: changes.iter().filter(|change| kind_of(change) == *name).count(),
        is_chosen: chosen == Some(*name),
    };
    let each = KINDS.iter().map(of_kind).filter(|kind| kind.count > 0 || kind.is_chosen);
    std::iter::once(all).chain(each).collect()
}

/// What was found of a change.
struct Compared {
    missing: Missing,
    others: String,
    diff: Option<ShownDiff>,
}

/// Two texts to compare.
type Pair = [Arc<str>; 2];

/// Compares the two texts of each change, as far as this server has them and the page has room.
async fn compare(platform: &Platform, by: &SignedIn, changes: &[AgentChange<'_>]) -> Result<Vec<Compared>, PageError> {
    let store = &platform.store;
    let digests = change_texts::digests_of(changes);
    let versions = store.versions_saying(&by.scope, &digests).await?;
    let versions = versions.into_iter().map(|(agent, digest, version)| ((agent, digest), version)).collect();
    let sides: Vec<ChangeTexts> = changes.iter().map(|change| ChangeTexts::of(change, &versions)).collect();

    let mut room = ReadingRoom::default();
    let texts = read_texts(platform, by, changes, &sides, &mut room).await?;
    let mut found = Vec::with_capacity(changes.len());
    let mut pairs: Vec<Option<Pair>> = Vec::new();
    for (change, sides) in changes.iter().zip(sides) {
        let others = others(change);
        let text = |side: &NamedText| match side.version {
            Some(version) => texts.get(&(change.agent.id.clone(), version)).cloned(),
            None => Some(Arc::from("")),
        };
        let missing = match &sides {
            ChangeTexts::NotHere => Missing::Code,
            ChangeTexts::ServerOnly(..) => Missing::CodeBeside,
            ChangeTexts::Unreadable => Missing::Unreadable,
            ChangeTexts::Both(..) | ChangeTexts::SamePersona | ChangeTexts::Typed => Missing::Nothing,
        };
        let (others, diff) = match sides {
            ChangeTexts::Both(old, new) | ChangeTexts::ServerOnly(old, new) => {
                let pair = text(&old).zip(text(&new)).map(|(old, new)| [old, new]);
                let whole = whole(change, &old, &new);
                (others, Some((pair, old.name, new.name, whole)))
            }
            ChangeTexts::Typed => {
                // It may have been saved since it was listed.
                match store.edit_draft(&by.scope, &change.agent.id, &by.id).await? {
                    Some(draft) => {
                        let old = NamedText::version(draft.edit.from);
                        let pair = typed_pair(platform, by, &draft, &mut room).await?;
                        let others = typed_besides(change.agent, &draft.edit.typed);
                        (others, Some((pair, old.name, "your text".to_owned(), change.path())))
                    }
                    None => (others, None),
                }
            }
            ChangeTexts::NotHere | ChangeTexts::Unreadable | ChangeTexts::SamePersona => (others, None),
        };
        let diff = diff.map(|(pair, old, new, whole)| {
            pairs.push(pair);
            ShownDiff { old, new, whole, rows: BoundedDiff::Left }
        });
        found.push(Compared { missing, others, diff });
    }
    drop(texts);
    let diffs = platform.budgets.work(move || {
        let mut room = DiffRoom::default();
        let diff = |pair: Option<Pair>| pair.map_or(BoundedDiff::Left, |[old, new]| room.diff(&old, &new));
        pairs.into_iter().map(diff).collect::<Vec<_>>()
    });
    let shown = found.iter_mut().filter_map(|compared| compared.diff.as_mut());
    shown.zip(diffs.await?).for_each(|(shown, rows)| shown.rows = rows);
    Ok(found)
}

/// Reads the versions that are to be compared, in the order of the changes, as long as there is room for them.
async fn read_texts(
    platform: &Platform,
    by: &SignedIn,
    changes: &[AgentChange<'_>],
    sides: &[ChangeTexts],
    room: &mut ReadingRoom,
) -> Result<HashMap<(AgentId, PersonaVersion), Arc<str>>, PageError> {
    let wanted = changes.iter().zip(sides);
    let mut wanted: Vec<Vec<(AgentId, PersonaVersion)>> =
        wanted.map(|(change, sides)| sides.versions().map(|version| (change.agent.id.clone(), version)).collect()).collect();
    let all: Vec<(AgentId, PersonaVersion)> = wanted.iter().flatten().cloned().collect();
    let sizes = platform.store.persona_sizes(&by.scope, &all).await?;
    let mut sizes: HashMap<(AgentId, PersonaVersion), u64> =
        sizes.into_iter().map(|(agent, version, bytes)| ((agent, version), bytes)).collect();
    let mut chosen = Vec::new();
    for pair in &mut wanted {
        // What is read for another change is read once.
        pair.retain(|version| sizes.contains_key(version));
        pair.dedup();
        let bytes: Vec<u64> = pair.iter().filter_map(|version| sizes.get(version).copied()).collect();
        if room.take(&bytes) {
            for version in pair.drain(..) {
                sizes.remove(&version);
                chosen.push(version);
            }
        }
    }
    let texts = platform.store.persona_texts(&by.scope, &chosen).await?;
    Ok(texts.into_iter().map(|(agent, version, persona)| ((agent, version), persona_text(Some(&persona)).into())).collect())
}

/// Returns what somebody began with and what they typed, if there is room for both.
async fn typed_pair(
    platform: &Platform,
    by: &SignedIn,
    draft: &EditDraft,
    room: &mut ReadingRoom,
) -> Result<Option<Pair>, PageError> {
    let typed = persona_text(draft.edit.typed.persona());
    let from: Vec<_> = draft.edit.from.into_iter().map(|version| (draft.agent_id.clone(), version)).collect();
    let sizes = platform.store.persona_sizes(&by.scope, &from).await?;
    let mut bytes = vec![typed.len() as u64];
    bytes.extend(sizes.into_iter().map(|(.., bytes)| bytes));
    if !room.take(&bytes) {
        return Ok(None);
    }
    let texts = platform.store.persona_texts(&by.scope, &from).await?;
    let before = texts.first().map_or_else(String::new, |(.., persona)| persona_text(Some(persona)));
    Ok(Some([before.into(), typed.into()]))
}

/// Returns the page that shows all of a diff.
fn whole(change: &AgentChange<'_>, old: &NamedText, new: &NamedText) -> String {
    match (old.version, new.version) {
        (Some(old), Some(new)) => format!("{}/versions/{new}?against={old}#changes", agent_path(&change.agent.id)),
        _ => change.path(),
    }
}

/// Returns the fields besides the persona that a check has seen to differ, each with how.
fn others(change: &AgentChange<'_>) -> String {
    let ChangeKind::Drift(code) = change.kind else { return String::new() };
    let others = code.drifted().filter(|(field, _)| *field != Field::PERSONA);
    others.map(|(field, state)| format!("{} {}", field.title(), state.words())).collect::<Vec<_>>().join(", ")
}

/// Returns the fields besides the persona that somebody typed otherwise than they are.
fn typed_besides(agent: &Agent, typed: &Definition) -> String {
    let differs = |field: &Field| !field.has_versions() && typed.get(*field) != agent.fields.get(field.sent_as());
    Field::ALL.into_iter().filter(differs).map(Field::title).collect::<Vec<_>>().join(", ")
}

fn shown_change(change: &AgentChange<'_>, found: Compared) -> ShownChange {
    let Compared { missing, others, diff } = found;
    let what = change.reason();
    ShownChange {
        since: Moment::of(change.since),
        path: change.path(),
        label: match change.kind {
            ChangeKind::Drift(_) => None,
            ChangeKind::Draft(draft) => Some(format!("Open draft {}", draft.version)),
            ChangeKind::Proposal(proposal) => Some(format!("Review draft {}", proposal.version)),
            ChangeKind::Unsaved => Some("Continue editing".to_owned()),
        },
        place: match &what {
            ChangeReason::Drift(code) => Some(code.place.clone()),
            _ => None,
        },
        what,
        missing,
        others,
        diff,
    }
}
