//! The pages: a handler and a template of the same name each.
//!
//! | Address | File | What |
//! |---|---|---|
//! | `/` | [`agents`] | the list of agents |
//! | `/changes` | [`changes`] | what differs of each of them, one diff under the other |
//! | `/new-agent` | [`new_agent`] | a form that makes one |
//! | `/agents/{id}` | [`agent`] | its persona and its versions |
//! | `/agents/{id}/edit` | [`edit`] | a form that saves a draft or publishes |
//! | `/agents/{id}/draft` | [`draft`] | what somebody typed and has not saved |
//! | `/agents/{id}/presence` | [`presence`] | the form is open in somebody's browser |
//! | `/agents/{id}/versions/{n}` | [`version`] | a version and how it differs from another; deploying it |
//! | `/agents/{id}/versions/{n}/review` | [`review`] | proposing a version, and reviewing it |
//! | `/publishing` | [`publishing`] | for owners: where personas are reviewed |
//! | `/sign-in` | [`sign_in`] | an e-mail address and a password sign a browser in |
//! | `/sign-in/link/{token}` | [`sign_in_link`] | a one-time link makes an account, or gives one back |
//! | `/sign-in/oidc` | [`sign_in_oidc`] | an account of the identity provider signs a browser in |
//! | `/sign-out` | [`sign_out`] | and out |
//! | `/projects` | [`projects`] | the list of projects |
//! | `/new-project` | [`new_project`] | a form that makes one |
//! | `/projects/{id}/settings` | [`project_settings`] | its name and its agent; deleting and restoring it |
//! | `/projects/{id}/retention` | [`retention`] | for how long its experiments are kept |
//! | `/projects/{id}/personas` | [`personas`] | whom tests play; the form of one |
//! | `/projects/{id}/new-scenario` | [`new_scenario`] | a form that makes a scenario |
//! | `/projects/{id}/scenarios/{scenario}` | [`scenario`] | its inputs |
//! | `/projects/{id}/scenarios/{scenario}/inputs/{input}` | [`inputs`] | saving an input that is edited in the table; deleting and reverting it |
//! | `/projects/{id}/scenarios/{scenario}/criteria` | [`criteria`] | what a good answer is, in packs |
//! | `/projects/{id}/scenarios/{scenario}/criteria/{pack}` | [`criteria_pack`] | the name and the least score of a pack; deleting and reverting it |
//! | `/projects/{id}/scenarios/{scenario}/criteria/{pack}/{criterion}` | [`criterion`] | the form of a criterion, and trying it on an answer |
//! | `/projects/{id}/scenarios/{scenario}/add` | [`add_inputs`] | inputs from a file or a pasted text: bringing them |
//! | `/projects/{id}/scenarios/{scenario}/add/{sheet}` | [`sheet`] | what that would do, and adding it |
//! | `/projects/{id}/scenarios/{scenario}/download/{format}` | [`download_inputs`] | the inputs as CSV or JSON Lines |
//! | `/projects/{id}/scenarios/{scenario}/publish` | [`publish`] | what the draft changes, and publishing it |
//! | `/projects/{id}/scenarios/{scenario}/versions` | [`bundles`] | the bundle versions |
//! | `/projects/{id}/scenarios/{scenario}/versions/{n}` | [`bundle`] | how a bundle version differs from the one before, and who pulled it |
//! | `/projects/{id}/scenarios/{scenario}/settings` | [`scenario_settings`] | its name; deleting and restoring it |
//! | `/projects/{id}/scenarios/{scenario}/gate` | [`gate`] | what its experiments must hold |
//! | `/projects/{id}` | [`experiments`] | its newest experiments and its test data |
//! | `/projects/{id}/experiments` | [`experiment_list`] | its experiments, filtered and sorted |
//! | `/projects/{id}/compare` | [`compare`] | two experiments case by case, or several side by side |
//! | `/projects/{id}/trends` | [`trends`] | how the experiments of a scenario went over time |
//! | `/projects/{id}/trends/inputs` | [`trend_inputs`] | how each input ended in up to 1,000 of them |
//! | `/projects/{id}/experiments/{experiment}` | [`experiment`] | figures, cases and files of an experiment |
//! | `/projects/{id}/experiments/{experiment}/export/{format}` | [`export`] | it as CSV, JSON, JUnit or one HTML file |
//! | `/projects/{id}/experiments/{experiment}/shares` | [`share`] | links that show it without an account |
//! | `/shared/{token}` | [`share`] | what such a link shows |
//! | `/projects/{id}/experiments/{experiment}/labels` | [`experiment_labels`] | its name, tags, note, and whether it is a baseline |
//! | `/projects/{id}/experiments/{experiment}/delete` | [`experiment_delete`] | deletes it after a question |
//! | `/projects/{id}/experiments/{experiment}/cases/{case}` | [`case`] | what was said in a case, and how it was judged |
//! | `/connect` | [`connect`] | lets a device in that shows a code |
//! | `/account` | [`account`] | one's own name, password and sessions |
//! | `/account/identities` | [`identities`] | linking an account of the identity provider, and unlinking it |
//! | `/members` | [`members`] | for owners: people and invitations |
//! | `/members/invite` | [`invite`] | for owners: an invitation to some projects |
//! | `/members/{user}` | [`member`] | for owners: one person |
//! | `/keys` | [`keys`] | for owners: keys and devices |
//! | `/search` | [`search`] | what has some words in its name; as JSON for the palette |
//! | `/activity` | [`activity`] | for owners: who did what, as a page and as a file |
//! | `/webhooks` | [`webhooks`] | for owners: addresses that are told what happens, and whether it arrived |
//! | `/server` | [`server`] | for owners: how the server is |
//! | `/usage` | [`server`] | for owners: what takes the room |
//! | `/events` | [`events`] | what changes of an agent or a running test, for the page that is open |
//! | `/assets/{file}` | [`asset`] | style sheet, icon, module |

pub(crate) mod account;
pub(crate) mod activity;
pub(crate) mod add_inputs;
pub(crate) mod agent;
pub(crate) mod agents;
pub(crate) mod asset;
pub(crate) mod bundle;
pub(crate) mod bundles;
pub(crate) mod case;
pub(crate) mod changes;
pub(crate) mod compare;
pub(crate) mod connect;
pub(crate) mod criteria;
pub(crate) mod criteria_pack;
pub(crate) mod criterion;
pub(crate) mod download_inputs;
pub(crate) mod draft;
pub(crate) mod edit;
pub(crate) mod events;
pub(crate) mod experiment;
pub(crate) mod experiment_delete;
pub(crate) mod experiment_labels;
pub(crate) mod experiment_list;
pub(crate) mod experiments;
pub(crate) mod export;
pub(crate) mod gate;
pub(crate) mod identities;
pub(crate) mod inputs;
pub(crate) mod invite;
pub(crate) mod keys;
pub(crate) mod member;
pub(crate) mod members;
pub(crate) mod new_agent;
pub(crate) mod new_project;
pub(crate) mod new_scenario;
pub(crate) mod personas;
pub(crate) mod presence;
pub(crate) mod project_settings;
pub(crate) mod projects;
pub(crate) mod publish;
pub(crate) mod publishing;
pub(crate) mod retention;
pub(crate) mod review;
pub(crate) mod scenario;
pub(crate) mod scenario_settings;
pub(crate) mod search;
pub(crate) mod server;
pub(crate) mod share;
pub(crate) mod sheet;
pub(crate) mod sign_in;
pub(crate) mod sign_in_link;
pub(crate) mod sign_in_oidc;
pub(crate) mod sign_out;
pub(crate) mod trend_inputs;
pub(crate) mod trends;
pub(crate) mod version;
pub(crate) mod webhooks;
