use keepstep_agent::canonical::persona_digest;
use keepstep_base::{AgentId, PersonaVersion};
use keepstep_store::{ProjectPatch, Proposal, ProposalNote, ProposalState, PublishingRule, Scope};
use serde_json::json;

use crate::world::{START, World};

pub(crate) async fn a_proposal_is_reviewed_and_waits_until_it_is_published(world: World) {
    let agent = world.agent().await;
    world.publish(&agent, "one").await;
    world.draft(&agent, "two").await;
    let proposal = Proposal {
        agent_id: agent.clone(),
        version: PersonaVersion(2),
        author_id: "user_a".to_owned(),
        author: "Ada".to_owned(),
        state: ProposalState::Open,
        created_at: START,
        changed_at: START,
    };
    let note = ProposalNote {
        number: 0,
        author: "Bob".to_owned(),
        at: START + 1,
        state: None,
        line: Some(1),
        suggestion: Some("two!".to_owned()),
        comment: String::new(),
    };
    let put = async |proposal: &Proposal, note: Option<ProposalNote>| {
        let mut transaction = world.store.write().await.unwrap();
        transaction.put_proposal(proposal, note).await.unwrap();
        transaction.commit().await.unwrap();
    };
    let is_approved = async |text: &str| {
        let mut transaction = world.store.write().await.unwrap();
        transaction.is_approved(&agent, persona_digest(Some(&json!(text))).unwrap()).await.unwrap()
    };
    put(&proposal, None).await;
    put(&proposal, Some(note.clone())).await;
    assert_eq!(world.store.waiting_proposals(&world.scope).await.unwrap(), std::slice::from_ref(&proposal));
    assert_eq!(world.store.waiting_proposals(&Scope::organization("org_other")).await.unwrap(), []);
    assert!(!is_approved("two").await);
    let approved = Proposal { state: ProposalState::Approved, changed_at: START + 2, ..proposal };
    let second = ProposalNote { state: Some(ProposalState::Approved), line: None, suggestion: None, ..note.clone() };
    put(&approved, Some(second.clone())).await;
    assert!(is_approved("two").await && is_approved("two\n").await && !is_approved("one").await && !is_approved("three").await);
    let (found, notes) = world.store.proposal(&world.scope, &agent, PersonaVersion(2)).await.unwrap().unwrap();
    assert_eq!(
        (found, notes),
        (approved.clone(), vec![ProposalNote { number: 1, ..note }, ProposalNote { number: 2, ..second }])
    );
    assert_eq!(world.store.proposal(&world.scope, &agent, PersonaVersion(1)).await.unwrap(), None);
    world.deploy(&agent, 2).await.unwrap();
    assert_eq!(world.store.waiting_proposals(&world.scope).await.unwrap(), []);
}

pub(crate) async fn a_proposal_that_something_newer_replaced_waits_no_more(world: World) {
    let agent = world.agent().await;
    world.publish(&agent, "one").await;
    let put = async |version: u32, state: ProposalState| {
        let mut transaction = world.store.write().await.unwrap();
        let proposal = Proposal {
            agent_id: agent.clone(),
            version: PersonaVersion(version),
            author_id: "user_a".to_owned(),
            author: "Ada".to_owned(),
            state,
            created_at: START,
            changed_at: START,
        };
        transaction.put_proposal(&proposal, None).await.unwrap();
        transaction.commit().await.unwrap();
    };
    let waiting = async || {
        let found = world.store.waiting_proposals(&world.scope).await.unwrap();
        found.iter().map(|proposal| proposal.version.0).collect::<Vec<_>>()
    };
    world.draft(&agent, "two").await;
    put(2, ProposalState::ChangesRequested).await;
    assert_eq!(waiting().await, [2]);
    // The changes that were asked for are in another draft.
    world.draft(&agent, "three").await;
    assert_eq!(waiting().await, [0_u32; 0]);
    put(2, ProposalState::Approved).await;
    put(3, ProposalState::Open).await;
    assert_eq!(waiting().await, [2, 3]);
    // Somebody pushes the same text as a version of its own.
    world.publish(&agent, "two").await;
    assert_eq!(waiting().await, [0_u32; 0]);
}

pub(crate) async fn a_rule_is_of_a_project_or_of_agents_in_none(world: World) {
    let agent = world.agent().await;
    let mut transaction = world.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, "p").await.unwrap().id;
    let inside = Scope::of(&world.scope.org_id, Some(project.clone()));
    let new = keepstep_store::NewAgent { scope: &inside, name: "inside", author: None };
    let confined = transaction.create_agent(new).await.unwrap().agent.id;
    assert_eq!(transaction.publishing_rule(&world.scope, &agent).await.unwrap(), PublishingRule::default());
    let of_project = PublishingRule { project_id: Some(project), review: true, scenario: Some("scenario_1".to_owned()) };
    transaction.set_publishing_rule(&world.scope, &of_project).await.unwrap();
    let unknown = PublishingRule { project_id: Some("project_x".to_owned()), ..PublishingRule::default() };
    assert!(transaction.set_publishing_rule(&world.scope, &unknown).await.is_err());
    assert_eq!(transaction.publishing_rule(&world.scope, &agent).await.unwrap(), PublishingRule::default());
    assert_eq!(transaction.publishing_rule(&world.scope, &confined).await.unwrap(), of_project);
    // It holds for the agent that the project tests, too.
    let tests = |agent: Option<&AgentId>| ProjectPatch { agent: Some(agent.cloned()), ..ProjectPatch::default() };
    let id = of_project.project_id.clone().unwrap();
    transaction.change_project(&world.scope, &id, tests(Some(&agent))).await.unwrap();
    let held = PublishingRule { project_id: None, ..of_project.clone() };
    assert_eq!(transaction.publishing_rule(&world.scope, &agent).await.unwrap(), held);
    let of_none = PublishingRule { review: true, ..PublishingRule::default() };
    let of_project = PublishingRule { scenario: None, ..of_project };
    transaction.set_publishing_rule(&world.scope, &of_none).await.unwrap();
    transaction.set_publishing_rule(&world.scope, &of_project).await.unwrap();
    assert_eq!(transaction.publishing_rule(&world.scope, &agent).await.unwrap(), of_none);
    transaction.set_publishing_rule(&world.scope, &PublishingRule::default()).await.unwrap();
    transaction.commit().await.unwrap();
    let rule = async || {
        let agent = world.store.agent(&world.scope, &agent).await.unwrap();
        world.store.publishing_rule(&agent).await.unwrap()
    };
    assert_eq!(rule().await, of_none, "that of the project that tests it");
    let mut transaction = world.store.write().await.unwrap();
    transaction.change_project(&world.scope, &id, tests(None)).await.unwrap();
    assert_eq!(transaction.publishing_rule(&world.scope, &agent).await.unwrap(), PublishingRule::default());
    transaction.set_publishing_rule(&world.scope, &of_none).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(rule().await, of_none, "that of agents in none");
    assert_eq!(world.store.publishing_rules(&world.scope.org_id).await.unwrap(), [of_none, of_project]);
}
