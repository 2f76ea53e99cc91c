use keepstep_agent::{Definition, Field};
use keepstep_base::{AgentId, Revision};
use keepstep_store::{Edit, EditDraft, NewAgent, Role, Scope};
use serde_json::json;

use crate::world::{START, World};

fn edit(persona: &str) -> Edit {
    let typed = Definition::from_iter([(Field::PERSONA, json!({"base": persona})), (Field::NAME, json!("Shop"))]);
    Edit { base: Revision(1), from: None, typed, message: Some("why\0".to_owned()) }
}

async fn keep(world: &World, agent: &AgentId, user: &str, edit: &Edit, replaces: Option<&str>) -> EditDraft {
    let mut transaction = world.store.write().await.unwrap();
    let kept = transaction.keep_edit_draft(&world.scope, agent, user, edit, replaces).await.unwrap();
    transaction.commit().await.unwrap();
    kept
}

pub(crate) async fn a_draft_is_its_authors_and_names_what_it_replaces(world: World) {
    let agent = world.agent().await;
    let mut transaction = world.store.write().await.unwrap();
    let ada = transaction.create_user(&world.scope.org_id, Role::Owner, "Ada").await.unwrap().id;
    let bob = transaction.create_user(&world.scope.org_id, Role::Editor, "Bob").await.unwrap().id;
    transaction.commit().await.unwrap();
    let find = async |user: &str| world.store.edit_draft(&world.scope, &agent, user).await.unwrap();
    assert_eq!(find(&ada).await, None);

    let first = keep(&world, &agent, &ada, &edit("one\r\n\0"), None).await;
    assert_eq!((&first.edit, first.changed_at), (&edit("one\r\n\0"), START));
    assert_eq!(find(&ada).await.as_ref(), Some(&first));
    assert_eq!(find(&bob).await, None);
    world.set_clock(START + 5);
    assert_eq!(keep(&world, &agent, &ada, &edit("two"), None).await, first, "another window has not seen it");
    assert_eq!(keep(&world, &agent, &ada, &edit("two"), Some("x")).await, first);
    assert_eq!(keep(&world, &agent, &ada, &edit("one\r\n\0"), None).await, first, "the same words are the same draft");
    let second = keep(&world, &agent, &ada, &edit("two"), Some(&first.tag)).await;
    assert_eq!((&second.edit, second.changed_at), (&edit("two"), START + 5));
    assert_ne!(second.tag, first.tag);
    keep(&world, &agent, &bob, &edit("of Bob"), None).await;

    let mut transaction = world.store.write().await.unwrap();
    transaction.remove_edit_draft(&agent, &ada, Some(&first.tag)).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(find(&ada).await, Some(second.clone()), "it is another one by now");
    let mut transaction = world.store.write().await.unwrap();
    transaction.remove_edit_draft(&agent, &ada, Some(&second.tag)).await.unwrap();
    transaction.remove_user(&world.scope.org_id, &bob).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!((find(&ada).await, find(&bob).await), (None, None));
}

pub(crate) async fn drafts_are_listed_where_the_agent_is_seen(world: World) {
    let mut transaction = world.store.write().await.unwrap();
    let user = transaction.create_user(&world.scope.org_id, Role::Editor, "Ada").await.unwrap().id;
    let project = transaction.create_project(&world.scope.org_id, "p").await.unwrap().id;
    let inside = Scope::of(&world.scope.org_id, Some(project));
    let new = NewAgent { scope: &inside, name: "inside", author: None };
    let confined = transaction.create_agent(new).await.unwrap().agent.id;
    transaction.commit().await.unwrap();
    let agent = world.agent().await;
    keep(&world, &agent, &user, &edit("one"), None).await;
    world.set_clock(START - 5);
    keep(&world, &confined, &user, &edit("one"), None).await;
    let all = world.store.edit_drafts(&world.scope, &user).await.unwrap();
    assert_eq!(all, [(confined.clone(), START - 5), (agent.clone(), START)]);
    assert_eq!(world.store.edit_drafts(&inside, &user).await.unwrap(), [(confined, START - 5)]);
    assert_eq!(world.store.edit_drafts(&world.scope, "user_x").await.unwrap(), []);
    assert!(world.store.edit_draft(&inside, &agent, &user).await.is_err());
}

pub(crate) async fn who_has_a_form_open_is_forgotten(world: World) {
    let agent = world.agent().await;
    let mut transaction = world.store.write().await.unwrap();
    let ada = transaction.create_user(&world.scope.org_id, Role::Owner, "Ada").await.unwrap().id;
    let bob = transaction.create_user(&world.scope.org_id, Role::Editor, "Bob").await.unwrap().id;
    transaction.commit().await.unwrap();
    let note = async |user: &str| {
        let mut transaction = world.store.write().await.unwrap();
        transaction.note_editor(&world.scope, &agent, user, transaction.now() - 60_000).await.unwrap();
        transaction.commit().await.unwrap();
    };
    let others = async |user: &str| {
        let now = world.store.now();
        let found = world.store.editors(&world.scope, &agent, user, now - 60_000, now - 3_600_000).await.unwrap();
        found.into_iter().map(|editor| (editor.name, editor.seen_at - START, editor.is_here)).collect::<Vec<_>>()
    };
    keep(&world, &agent, &bob, &edit("one"), None).await;
    assert_eq!(others(&ada).await, [("Bob".to_owned(), 0, false)], "somebody without a script has typed");
    assert_eq!(others(&bob).await, []);
    world.set_clock(START + 1000);
    note(&bob).await;
    note(&ada).await;
    assert_eq!(others(&ada).await, [("Bob".to_owned(), 1000, true)], "once, and as who is there");
    world.set_clock(START + 61_001);
    note(&ada).await;
    assert_eq!(others(&ada).await, [("Bob".to_owned(), 0, false)]);
    assert_eq!(others(&bob).await, [("Ada".to_owned(), 61_001, true)]);
    world.set_clock(START + 3_600_001);
    assert_eq!((others(&ada).await, others(&bob).await), (vec![], vec![]));
}
