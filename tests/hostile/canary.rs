//! Before anything hostile runs: does the machine have the box at all, and does it hold a harmless submission?
//!
//! Some of the others kill whom they can and delete what they can. A box that lets this one out would let them out too.

use std::fs;
use std::process::{Command, Stdio};

use crate::grade::{self, Tier};
use crate::place::{BUILD, Place, SECRET};
use crate::traces;

/// Tries to end one process that nobody needs, and to write, remove and read what is outside.
const TRIES: &str = r#"
#include <fcntl.h>
#include <signal.h>
__attribute__((constructor)) static void early(void)
{
    kill(@VICTIM@, SIGKILL);
    unlink("@DECOY@/suite.toml");
    if (open("@DECOY@/new", O_WRONLY | O_CREAT, 0600) >= 0 || open("@HOME@/secret", O_RDONLY) >= 0)
        abort();
}
"#;

/// Why the machine lacks the box; none if it has it. Panics if the box does not hold.
pub fn lacks(tier: Tier, place: &Place) -> Option<String> {
    let mut victim = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().expect("sleep starts");
    let folder = place.folder().join("canary");
    let out = place.folder().join("canary-out");
    fs::create_dir_all(&folder).unwrap();
    let tries = place.fill(&TRIES.replace("@VICTIM@", &victim.id().to_string()));
    fs::write(folder.join("osmem.c"), format!("{}{tries}", place.reference())).unwrap();
    let make =
        "libosmem.so: osmem.c\n\t-sh -c 'kill -9 @VICTIM@'\n\t-rm -f '@DECOY@/suite.toml'\n\t-cat '@HOME@/secret'\n\t"
            .to_owned()
            + BUILD
            + "\n";
    let make = place.fill(&make.replace("@VICTIM@", &victim.id().to_string()));
    fs::write(folder.join("Makefile"), make).unwrap();

    let ended = grade::run(tier, place, &folder, &out, &[]);
    let alive = victim.try_wait().unwrap().is_none();
    victim.kill().unwrap();
    victim.wait().unwrap();
    if ended.code == Some(5) {
        let message = ended.stderr.trim().to_owned();
        let about_the_box = [tier.name(), "box", "namespace", "Landlock"].iter().any(|word| message.contains(word));
        assert!(about_the_box, "the surroundings are unfit, but not for lack of a box: {message}");
        return Some(message);
    }
    assert!(alive, "the box of the tier {} lets submissions kill processes outside", tier.name());
    assert!(place.decoy().join("suite.toml").exists(), "the box lets submissions remove files outside");
    assert!(!place.decoy().join("new").exists(), "the box lets submissions write outside");
    for (path, bytes) in traces::files(&out) {
        assert!(!String::from_utf8_lossy(&bytes).contains(SECRET), "{} tells what stands outside", path.display());
    }
    assert_eq!(grade::outcomes(&out), ["pass"], "a right one that tries to get out: {}", ended.stderr);
    fs::remove_dir_all(&out).unwrap();
    None
}
