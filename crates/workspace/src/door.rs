//! What every write to a project passes first: nothing leads out of it through a link, git sees only what belongs into it, and what a
//! killed command left beside is removed.
//!
//! A repository can hold links. One in the place of `.fluxloop`, of a scenario or of `.keepstep` would lead what is written below it
//! anywhere on the machine, with names and contents that a server chose.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Component, Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use keepstep_base::whole_file::TEMPORARY;

/// The folders of a project that we write to, and what git is to leave out of each.
const FOLDERS: [(&str, &str); 2] = [
    (
        ".fluxloop",
        "# Written by keepstep: keys, what one person selected, and what tests and pulls left. The rest belongs into git.\n\
         .env\n.env.*\n!.env.example\ncontext.json\n.state/\nexperiments/\nresults/\n.keepstep-*\n.lock\n",
    ),
    (".keepstep", "*\n"),
];

/// Makes sure that what is written at a path stays in its project, and that git leaves out of it what does not belong there. A path that is
/// in none of our folders passes.
///
/// # Errors
/// A link leads out of the project, or the list for git cannot be written.
pub fn pass(path: &Path) -> io::Result<()> {
    let Some((root, folder, ignored)) = folder_of(path) else { return Ok(()) };
    stays_inside(path, &root)?;
    let ignore = folder.join(".gitignore");
    stays_inside(&ignore, &root)?;
    // Where a crash has left it empty, it is written again.
    if !fs::metadata(&ignore).is_ok_and(|ignore| ignore.len() > 0) {
        fs::create_dir_all(&folder)?;
        File::create(&ignore)?.write_all(ignored.as_bytes())?;
    }
    Ok(())
}

/// Removes one of our folders in which nothing is left but git's list, as [`pass`] wrote it.
pub fn leave(folder: &Path) {
    let ours = FOLDERS.iter().find(|(name, _)| folder.file_name().is_some_and(|folder| folder == *name));
    let is_alone = || fs::read_dir(folder).is_ok_and(|entries| entries.count() == 1);
    let ignore = folder.join(".gitignore");
    if let Some((_, ignored)) = ours
        && is_alone()
        && fs::read(&ignore).is_ok_and(|text| text == ignored.as_bytes())
    {
        let _ = fs::remove_file(&ignore);
        let _ = fs::remove_dir(folder);
    }
}

/// Makes sure that a path stays below a folder, whatever links are on its way.
///
/// # Errors
/// One leads out of it, or to nothing.
pub fn stays_inside(path: &Path, root: &Path) -> io::Result<()> {
    let Ok(real_root) = fs::canonicalize(root) else { return Ok(()) };
    let there = path.ancestors().find(|part| fs::symlink_metadata(part).is_ok());
    let Some(there) = there.filter(|there| there.starts_with(root)) else { return Ok(()) };
    let outside = |leads: &str| io::Error::other(format!("{} is a link that leads {leads}", there.display()));
    match fs::canonicalize(there) {
        Ok(real) if real.starts_with(&real_root) => Ok(()),
        Ok(real) => Err(outside(&format!("out of the project, to {}", real.display()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(outside("nowhere")),
        Err(error) => Err(error),
    }
}

/// Returns the project that a path lies in, the outermost of our folders on its way, and what git is to leave out of that.
fn folder_of(path: &Path) -> Option<(PathBuf, PathBuf, &'static str)> {
    let mut root = PathBuf::new();
    for part in path.components() {
        if let Component::Normal(name) = part
            && let Some((_, ignored)) = FOLDERS.iter().find(|(folder, _)| name == *folder)
        {
            let folder = root.join(name);
            let root = if root.as_os_str().is_empty() { PathBuf::from(".") } else { root };
            return Some((root, folder, *ignored));
        }
        root.push(part);
    }
    None
}

/// Removes what killed commands left beside the files of a folder, once in each process.
pub fn tidy(folder: &Path) {
    static TIDIED: LazyLock<Mutex<BTreeSet<PathBuf>>> = LazyLock::new(Mutex::default);
    if !TIDIED.lock().is_ok_and(|mut tidied| tidied.insert(folder.to_owned())) {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(TEMPORARY)) else { continue };
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        let writer = rest.split('-').next().and_then(|number| number.parse().ok()).filter(|_| rest.contains('-'));
        if is_file && !writer.is_some_and(is_running) {
            // What cannot be removed is in nobody's way.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Returns true if a process may still be there.
fn is_running(process: u32) -> bool {
    process == std::process::id() || !Path::new("/proc/self").exists() || Path::new("/proc").join(process.to_string()).exists()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::files::write_whole;

    #[test]
    fn no_link_leads_a_write_out_of_the_project() {
        for link in
            [".fluxloop", ".fluxloop/scenarios", ".fluxloop/scenarios/orders", ".keepstep", ".keepstep/undo", ".fluxloop/.env"]
        {
            let world = tempfile::tempdir().unwrap();
            let (project, outside) = (world.path().join("project"), world.path().join("outside"));
            fs::create_dir_all(project.join(link).parent().unwrap()).unwrap();
            fs::create_dir(&outside).unwrap();
            symlink(&outside, project.join(link)).unwrap();
            let below = if link == ".fluxloop/.env" { project.join(link) } else { project.join(link).join("a/b.json") };
            let error = write_whole(&below, b"x").unwrap_err().to_string();
            assert!(error.contains("leads out of the project"), "{error}");
            assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "{link}");
        }
    }

    #[test]
    fn links_inside_of_the_project_are_followed_and_those_to_nothing_are_not() {
        let world = tempfile::tempdir().unwrap();
        fs::create_dir_all(world.path().join("data")).unwrap();
        fs::create_dir_all(world.path().join(".fluxloop")).unwrap();
        symlink(world.path().join("data"), world.path().join(".fluxloop/scenarios")).unwrap();
        write_whole(&world.path().join(".fluxloop/scenarios/orders/x"), b"1").unwrap();
        assert_eq!(fs::read(world.path().join("data/orders/x")).unwrap(), b"1");
        symlink("/nowhere/x", world.path().join(".fluxloop/context.json")).unwrap();
        assert!(write_whole(&world.path().join(".fluxloop/context.json"), b"1").is_err());
    }

    #[test]
    fn what_belongs_to_nobody_else_is_kept_out_of_git_before_it_is_written() {
        let world = tempfile::tempdir().unwrap();
        write_whole(&world.path().join(".fluxloop/.env"), b"KEY=1").unwrap();
        let ignored = fs::read_to_string(world.path().join(".fluxloop/.gitignore")).unwrap();
        for name in [".env", "context.json", ".state/", "experiments/"] {
            assert!(ignored.lines().any(|line| line == name), "{name}");
        }
        fs::write(world.path().join(".fluxloop/.gitignore"), "mine\n").unwrap();
        write_whole(&world.path().join(".fluxloop/project.json"), b"{}").unwrap();
        assert_eq!(fs::read_to_string(world.path().join(".fluxloop/.gitignore")).unwrap(), "mine\n");
    }

    #[test]
    fn what_a_killed_command_left_is_removed_and_what_is_being_written_is_not() {
        let world = tempfile::tempdir().unwrap();
        // No process has this number: it is more than systems give.
        let (dead, old, alive) =
            (".keepstep-4294967294-abc", ".keepstep-Ab12Cd", format!("{TEMPORARY}{}-abc", std::process::id()));
        for name in [dead, old, &alive, "kept"] {
            fs::write(world.path().join(name), "x").unwrap();
        }
        tidy(world.path());
        let mut left: Vec<String> =
            fs::read_dir(world.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, [alive, "kept".to_owned()]);
    }
}
