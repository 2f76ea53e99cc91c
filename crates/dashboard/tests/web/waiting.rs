//! What waits for somebody, on the front page.

use std::collections::BTreeMap;

use keepstep_agent::Field;
use keepstep_agent::canonical::digest;
use keepstep_agent::drift::SeenField;
use keepstep_base::AgentId;
use keepstep_store::{DriftReport, Patch, PersonaStatus, Role};
use serde_json::json;

use crate::site::Site;

pub(crate) async fn report(site: &Site, agent: &AgentId, branch: &str, code: &str, base: &str) {
    let text = |persona: &str| digest(Field::PERSONA, Some(&json!(persona))).map(|digest| format!("sha256:{digest}"));
    let mut transaction = site.store.write().await.unwrap();
    let report = DriftReport {
        agent_id: agent.clone(),
        repository: "git.example/<b>shop</b>".to_owned(),
        branch: branch.to_owned(),
        commit: Some("0123456789abcdef".to_owned()),
        fields: BTreeMap::from([("persona".to_owned(), SeenField { code: text(code), base: text(base) })]),
        reported_by: "ci".to_owned(),
        reported_at: transaction.now(),
        since: (code != base).then(|| transaction.now()),
    };
    transaction.put_drift_report(&report).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn drift_and_drafts_wait_and_the_oldest_is_first() {
    let site = Site::start().await;
    let (orders, billing) = (site.agent("Orders").await, site.agent("Billing").await);
    site.publish(&orders, "One").await;
    site.publish(&billing, "One").await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let page = browser.get("/").await;
    assert!(!page.has("#waiting") && page.texts("h2").is_empty(), "{}", page.body);
    assert_eq!(page.texts("td[data-label='Code:']"), ["not reported", "not reported"]);

    report(&site, &orders, "main", "One", "One").await;
    assert!(!browser.get("/").await.has("#waiting"), "what is in step does not wait");
    site.pass(60_000);
    site.persona(&billing, json!("Two"), PersonaStatus::Draft).await;
    site.pass(60_000);
    // Another change of the agent makes the draft no newer.
    site.change(&billing, None, Patch::of(Field::MODEL, json!("openai/gpt-4o"))).await;
    // What was in step is behind when somebody publishes, and nobody has to look again for that.
    site.publish(&orders, "Three").await;
    site.pass(60_000);
    report(&site, &orders, "topic", "Mine", "One").await;
    let page = browser.get("/").await;
    assert_eq!(page.texts("h2"), ["What waits for you", "All agents"]);
    assert_eq!(
        page.texts("section tbody tr"),
        [
            "Billing Draft 2 is newer than what is published saved by Bob Diff of Billing 14 Nov 2023, 22:14 UTC",
            "Orders The code in git.example/<b>shop</b> on main is behind Persona changed on the server · keepstep sync --accept Diff of Orders 14 Nov 2023, 22:15 UTC",
            "Orders The code in git.example/<b>shop</b> on topic is diverged Persona changed on both sides · keepstep sync --merge Diff of Orders 14 Nov 2023, 22:16 UTC",
        ]
    );
    assert_eq!(
        page.attributes("section tbody th a", "href"),
        [format!("/agents/{billing}/versions/2"), format!("/agents/{orders}#code"), format!("/agents/{orders}#code")]
    );
    assert_eq!(
        page.attributes("a[data-changes]", "href"),
        ["/changes".to_owned(), format!("/changes#{billing}"), format!("/changes#{orders}"), format!("/changes#{orders}")]
    );
    assert_eq!(
        page.texts("td[data-label='Code:']")[1],
        "diverged git.example/<b>shop</b> on topic behind git.example/<b>shop</b> on main"
    );
    let page = browser.get(&format!("/agents/{orders}")).await;
    assert_eq!(page.texts("section[aria-labelledby=code] tbody tr").len(), 2);
    assert_eq!(page.texts("section[aria-labelledby=code] tbody .id"), ["0123456", "0123456"]);
    site.pass(31 * 24 * 60 * 60 * 1000);
    let page = site.signed_in(Role::Viewer).await.get("/").await;
    assert_eq!(page.texts("section tbody tr").len(), 1, "a branch that nobody checks any more is forgotten");
}
