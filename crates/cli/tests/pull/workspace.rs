//! Which scenario is pulled where, the lock file, and what a second pull does.

use insta::assert_snapshot;
use keepstep_testkit::{Proxy, World, transcript};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::{Bench, INPUTS, SCENARIO};

#[test]
fn f17_the_newest_bundle_is_pulled_and_nothing_new_is_one_request_that_writes_nothing() {
    let bench = Bench::new();
    bench.publish("orders", &[("i1", "one")], &[]);
    assert_snapshot!(bench.run(&["sync", "pull"]), @"
    exit: 0
    ----- stdout -----
    ✅ Pulled [BUNDLE] into .fluxloop/scenarios/orders: 1 input, 0 personas, 0 criteria
    ----- stderr -----
    Selected scenario orders; the other commands work on it from now on.
    ");
    let second = bench.publish("orders", &[("i1", "newer")], &[]);
    assert_eq!(bench.json(&["sync", "pull"])["scenarios"][0]["bundle"]["id"], second.as_str());
    assert!(bench.project().read(INPUTS).contains("newer"));
    let times = |bench: &Bench| {
        let files = bench.project().files();
        files
            .into_iter()
            .map(|path| std::fs::metadata(bench.project().path().join(path)).unwrap().modified().unwrap())
            .collect::<Vec<_>>()
    };
    let (tree, before) = (bench.tree(), times(&bench));
    let proxy = Proxy::before(bench.platform.address());
    let output = bench.command(&["sync", "pull"]).env("KEEPSTEP_URL", proxy.url()).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("is up to date"), "{output:?}");
    assert_eq!(proxy.requests().len(), 1);
    assert_eq!((bench.tree(), times(&bench)), (tree, before));
}

#[test]
fn f16_a_scenario_gets_its_own_bundle_and_no_other() {
    let bench = Bench::new();
    bench.publish("billing", &[("b1", "an invoice")], &[]);
    let orders = bench.publish("orders", &[("i1", "an order")], &[]);
    bench.ok(&["sync", "pull", "--scenario", "billing"]);
    assert!(bench.project().read(".fluxloop/scenarios/billing/inputs/generated.yaml").contains("an invoice"));
    assert_eq!(bench.code(&["sync", "pull", "--scenario", "billing", "--bundle-version-id", &orders]), 3);
    assert_eq!(bench.code(&["sync", "pull", "--scenario", "nobody"]), 3);
    assert!(!bench.project().has(SCENARIO));
}

#[test]
fn every_scenario_of_the_project_is_pulled_where_none_is_named() {
    let bench = Bench::new();
    bench.publish("billing", &[("b1", "an invoice")], &[]);
    bench.publish("orders", &[("i1", "an order")], &[]);
    bench.ok(&["sync", "pull"]);
    assert!(bench.project().has(INPUTS) && bench.project().has(".fluxloop/scenarios/billing/inputs/generated.yaml"));
}

#[test]
fn f5_the_root_of_the_workspace_counts_wherever_one_stands() {
    let bench = Bench::pulled();
    bench.project().file("src/deep/a.txt", "");
    bench.publish("orders", &[("i1", "newer"), ("i2", "two"), ("i3", "three")], &["Be polite"]);
    bench.ok(&["-C", "src/deep", "sync", "pull"]);
    assert!(bench.project().read(INPUTS).contains("newer"));
    bench.ok(&["-C", SCENARIO, "sync", "pull"]);
    assert!(!bench.project().files().iter().any(|path| path.matches(".fluxloop").count() > 1 || path.starts_with("src/deep/.")));
}

#[test]
fn locked_pulls_the_same_in_a_fresh_clone() {
    let bench = Bench::pulled();
    let lock = bench.project().read("keepstep.lock");
    bench.publish("orders", &[("i1", "newer"), ("i2", "two"), ("i3", "three")], &["Be polite"]);
    let clone = World::new();
    clone.project().file("keepstep.lock", &lock);
    let run = |arguments: &[&str]| {
        let mut command = bench.command(arguments);
        command.current_dir(clone.project().path()).output().unwrap().status.code()
    };
    assert_eq!(run(&["sync", "pull", "--locked"]), Some(0));
    assert!(clone.project().read(INPUTS).contains("one"));
    assert_eq!(clone.project().read("keepstep.lock"), lock);
    assert_eq!(run(&["sync", "pull", "--locked", "--bundle-version-id", "other"]), Some(2));
    assert_eq!(run(&["sync", "pull", "--locked", "--scenario", "other"]), Some(2));
    clone.project().remove("keepstep.lock");
    assert_eq!(run(&["sync", "pull", "--locked"]), Some(2));
}

#[test]
fn status_shows_what_is_behind_and_edited() {
    let bench = Bench::pulled();
    assert_eq!(bench.code(&["sync", "status", "--check"]), 0);
    bench.publish("orders", &[("i1", "newer"), ("i2", "two"), ("i3", "three")], &["Be polite"]);
    bench.edit(INPUTS, "two", "my two");
    assert_snapshot!(bench.run(&["sync", "status", "--check"]), @"
    exit: 1
    ----- stdout -----
    Workspace   [WORLD]/project   [URL]
    Project     Shop ([PROJECT])
    Test data   orders ([SCENARIO])   behind ([BUNDLE], the server has [BUNDLE])
                pulled just now, published just now
                edited here: inputs/generated.yaml (1 input edited)
    Results     no experiments
    ----- stderr -----
    hint: `keepstep sync pull` gets what is new
    ");
    let document = bench.json(&["sync", "status"]);
    assert_eq!(document["test_data"]["scenarios"][0]["bundle"]["state"], "behind");
    let offline = bench.json(&["sync", "status", "--offline"]);
    assert_eq!(offline["test_data"]["scenarios"][0]["bundle"]["state"], "unknown");
    let unreachable = bench.command(&["sync", "status"]).env("KEEPSTEP_URL", "http://127.0.0.1:1").output().unwrap();
    assert_eq!(unreachable.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&unreachable.stderr).contains("NOT checked"));
}

#[test]
fn items_that_the_platform_has_lost_are_not_removed_here() {
    let bench = Bench::pulled();
    bench.publish("orders", &[("i1", "one"), ("i2", "two"), ("i3", "changed")], &[]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let database = bench.platform.data_dir().join("keepstep.db");
        let mut connection = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
        sqlx::query("DELETE FROM packed_inputs").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    let before = bench.tree();
    let output = bench.output(&["sync", "pull"]);
    assert_eq!(output.status.code(), Some(11), "{}", transcript(&output));
    assert_eq!(bench.tree(), before);
}

#[test]
fn an_empty_folder_becomes_no_workspace_without_a_word() {
    let bench = Bench::new();
    bench.publish("billing", &[("b1", "an invoice")], &[]);
    bench.publish("orders", &[("i1", "an order")], &[]);
    bench.project().remove(".fluxloop/project.json");
    std::fs::remove_dir(bench.project().path().join(".fluxloop")).unwrap();
    assert_snapshot!(bench.run(&["sync", "pull"]), @"
    exit: 2
    ----- stderr -----
    error: [WORLD]/project is not a workspace yet; nothing was pulled of the 2 scenarios of project Shop ([PROJECT]) on [URL]: billing, orders
    hint: `keepstep sync pull --project-id [PROJECT]` pulls all of them here; `--scenario NAME` pulls one
    ");
    assert_eq!(bench.project().files(), [] as [&str; 0]);
    bench.ok(&["sync", "pull", "--dry-run"]);
    assert_eq!(bench.project().files(), [] as [&str; 0]);
    bench.ok(&["sync", "pull", "--project-id", &bench.project_id]);
    assert!(bench.project().has(INPUTS) && bench.project().has(".fluxloop/scenarios/billing/inputs/generated.yaml"));
}

#[test]
fn a_scenario_has_one_folder_whatever_is_typed() {
    let bench = Bench::pulled();
    let before = bench.tree();
    let shown = bench.run(&["sync", "pull", "--scenario", "other"]);
    assert_snapshot!(shown, @"
    exit: 4
    ----- stderr -----
    error: scenario orders is in .fluxloop/scenarios/orders already, not in other; nothing was written
    hint: `keepstep sync pull --scenario orders` pulls it there
    hint: `keepstep scenarios select [SCENARIO] --local-path other` moves it
    ");
    assert_eq!(bench.tree(), before);
    // A folder that was renamed is still the scenario's.
    std::fs::rename(bench.project().path().join(SCENARIO), bench.project().path().join(".fluxloop/scenarios/renamed")).unwrap();
    bench.project().remove(".fluxloop/context.json").remove(".fluxloop/scenarios.json");
    bench.ok(&["sync", "pull"]);
    assert!(!bench.project().has(SCENARIO));
}

#[test]
fn of_two_folders_that_claim_a_scenario_a_person_chooses() {
    let bench = Bench::pulled();
    let folder = |name: &str| format!(".fluxloop/scenarios/{name}");
    for path in bench.project().files() {
        if let Some(rest) = path.strip_prefix(&format!("{SCENARIO}/")) {
            let bytes = bench.project().bytes(&path);
            bench.project().file(&format!("{}/{rest}", folder("copy")), bytes);
        }
    }
    bench.project().remove(".fluxloop/context.json");
    let before = bench.tree();
    assert_snapshot!(bench.run(&["scenarios", "select", "orders"]), @"
    exit: 4
    ----- stderr -----
    error: 2 folders belong to scenario orders ([SCENARIO] nothing was selected:
      .fluxloop/scenarios/copy
      .fluxloop/scenarios/orders
    hint: `keepstep scenarios select [SCENARIO] --local-path NAME` says which
    ");
    assert_eq!(bench.tree(), before);
    bench.ok(&["scenarios", "select", "orders", "--local-path", "copy"]);
    assert!(bench.project().read(".fluxloop/context.json").contains("scenarios/copy"));
    bench.ok(&["scenarios", "select", "orders"]);
    assert!(bench.project().read(".fluxloop/context.json").contains("scenarios/copy"));
}
