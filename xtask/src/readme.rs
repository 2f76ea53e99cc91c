//! README, block by block, as somebody follows it who has nothing but a clone: in an empty home folder, in its order, with the program that
//! its install line installs. Then the pages for those who operate a server, each in an empty folder of its own.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use crate::{command, repository};

/// How long one block may take.
const LIMIT: Duration = Duration::from_secs(120);

/// The line that puts the program on the path.
const INSTALL: &str = "cargo install --locked --path crates/cli";

/// Where README says that the server listens. The test lets it choose a port.
const ADDRESS: &str = "127.0.0.1:4747";

/// Where the pages are for those who operate a server.
const OPERATE: &str = "docs/operate";

/// A fenced block: its language and its text.
struct Block {
    language: String,
    text: String,
}

/// Follows README and the pages for those who operate a server, and returns how many blocks were run or written.
pub(crate) fn follow() -> Result<usize> {
    let mut reader = Reader::new()?;
    let mut count = reader.follow_page(&repository::root().join("README.md"))?;
    ensure!(reader.server.is_some(), "README starts no server");
    ensure!(count >= 12, "only {count} blocks of README were followed");
    let mut pages: Vec<PathBuf> = fs::read_dir(repository::root().join(OPERATE))
        .context("cannot read docs/operate")?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    pages.sort();
    for (number, page) in pages.iter().enumerate() {
        reader.begin_anew(&format!("page{number}"))?;
        let followed = reader.follow_page(page)?;
        ensure!(followed > 0, "{} has no block to follow", page.display());
        count += followed;
    }
    Ok(count)
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some(Block { language: language.to_owned(), text: String::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    blocks
}

/// Somebody who follows README.
struct Reader {
    folder: TempDir,
    /// The folder that they are in.
    current: PathBuf,
    server: Option<Server>,
}

struct Server {
    process: Child,
    /// Where it is, with `http://` or `https://` before it.
    url: String,
}

impl Server {
    /// Returns where it listens, without how it is spoken to.
    fn address(&self) -> &str {
        self.url.split_once("://").map_or("", |(_, address)| address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Reader {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let current = folder.path().join("work");
        for name in ["home", "work"] {
            fs::create_dir(folder.path().join(name))?;
        }
        Ok(Self { folder, current, server: None })
    }

    /// Ends the server, and goes into an empty folder.
    fn begin_anew(&mut self, name: &str) -> Result<()> {
        self.server = None;
        self.current = self.folder.path().join(name);
        Ok(fs::create_dir(&self.current)?)
    }

    fn follow_page(&mut self, page: &Path) -> Result<usize> {
        let text = fs::read_to_string(page).with_context(|| format!("cannot read {}", page.display()))?;
        let mut count = 0;
        for block in blocks(&text) {
            let followed = self.follow(&block).with_context(|| format!("{} says:\n{}", page.display(), block.text))?;
            count += usize::from(followed);
        }
        Ok(count)
    }

    /// Does what a block says; returns false where another step of the tests does that.
    fn follow(&mut self, block: &Block) -> Result<bool> {
        let first = block.text.lines().next().unwrap_or_default();
        match block.language.as_str() {
            "sh" if first == INSTALL => self.install().map(|()| true),
            "sh" if first.starts_with("cargo run ") || first.starts_with("cargo xtask ") => Ok(false),
            "sh" if first.starts_with("keepstep serve ") => self.serve(first).map(|()| true),
            "sh" => self.shell(&block.text, &[], &[0]).map(|()| true),
            "yaml" if first.starts_with("- run: ") => self.pipeline(&block.text).map(|()| true),
            "yaml" | "python" => {
                let name = first.strip_prefix("# ").context("the block does not begin with the name of its file")?;
                fs::write(self.current.join(name), &block.text)?;
                Ok(true)
            }
            other => bail!("nobody follows a block in {other:?}"),
        }
    }

    fn install(&self) -> Result<()> {
        let words: Vec<&str> = INSTALL.split(' ').skip(1).collect();
        let mut cargo = command::cargo(&words);
        cargo.arg("--quiet").arg("--root").arg(self.folder.path());
        // What was built for the other steps is taken, not built once more.
        command::show(cargo.env("CARGO_TARGET_DIR", repository::target()))
    }

    fn command(&self, program: &str) -> Command {
        let mut path = self.folder.path().join("bin").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let home = self.folder.path().join("home");
        let mut command = Command::new(program);
        command.current_dir(&self.current).env_clear().env("PATH", path).env("HOME", home).env("LANG", "C.UTF-8");
        command
    }

    fn serve(&mut self, line: &str) -> Result<()> {
        // Where a page starts a second one, it is instead of the first.
        self.server = None;
        let mut process = self
            .command("sh")
            .args(["-c", &format!("exec {line} --listen 127.0.0.1:0")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = process.stdout.take().context("the server has no output")?;
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut server = Server { process, url: String::new() };
        while server.url.is_empty() {
            let line = receiver.recv_timeout(LIMIT).context("the server does not say where it listens")?;
            let is_url = |word: &&str| word.starts_with("http://127.0.0.1:") || word.starts_with("https://");
            let url = line.split_whitespace().find(is_url);
            server.url = url.unwrap_or_default().trim_end_matches('/').to_owned();
        }
        self.server = Some(server);
        Ok(())
    }

    /// Runs lines of a shell that stays in the folder that it went to.
    fn shell(&mut self, lines: &str, variables: &[(&str, String)], codes: &[i32]) -> Result<()> {
        let address = self.server.as_ref().map_or(ADDRESS, Server::address);
        let went = self.folder.path().join("went");
        let script = format!("set -eu\n{}\npwd > \"$WENT\"\n", lines.replace(ADDRESS, address));
        let mut shell = self.command("sh");
        shell.args(["-c", &script]).env("WENT", &went);
        for (name, value) in variables {
            shell.env(name, value);
        }
        let output = command::capture(&mut shell, LIMIT)?;
        if !output.code.is_some_and(|code| codes.contains(&code)) {
            bail!("it ended with {:?}\n{}", output.code, output.transcript());
        }
        if let Ok(folder) = fs::read_to_string(&went) {
            self.current = Path::new(folder.trim_end()).to_owned();
        }
        Ok(())
    }

    /// Runs the lines of a pipeline as CI does, with a key in the environment.
    fn pipeline(&mut self, text: &str) -> Result<()> {
        let url = self.server.as_ref().map(|server| server.url.clone()).unwrap_or_default();
        let data = self.folder.path().join("work/platform");
        let printed = |reader: &Self, line: &str| -> Result<String> {
            let output = command::capture(reader.command("sh").args(["-c", line]).env("DATA", &data), LIMIT)?.exits(0)?;
            Ok(output.stdout.trim().to_owned())
        };
        let key = printed(self, "keepstep admin key create --data \"$DATA\" --name ci --role editor")?;
        let list: serde_json::Value = serde_json::from_str(&printed(self, "keepstep bundles list --format json")?)?;
        let bundle = list[0]["id"].as_str().context("no bundle version is published")?.to_owned();
        let variables = [("CI", "true".to_owned()), ("KEEPSTEP_URL", url), ("KEEPSTEP_API_KEY", key), ("BUNDLE", bundle)];
        for line in text.lines().filter_map(|line| line.strip_prefix("- run: ")) {
            // Two questions are too few to tell a regression, which is exit code 5, as README says.
            let codes: &[i32] = if line.contains("--fail-on-regression") { &[0, 5] } else { &[0] };
            self.shell(line, &variables, codes)?;
        }
        Ok(())
    }
}
