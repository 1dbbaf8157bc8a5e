//! `bash`: a shell that forks, over and over, with a heap that its children write to.

use std::process::Command;

use crate::run::{Place, tool};

const SCRIPT: &str = r#"
declare -A seen
text=
for ((i = 0; i < 500; i++)); do
  answer=$(seen[$i]=inside; text+=$i; echo "$i ${#text} ${#seen[@]}" | { read -r a b c; echo "$((a * 2)) $b $c"; })
  seen[$i]=$answer
  text+="$answer,"
done
for ((i = 0; i < 500; i += 50)); do echo "${seen[$i]}"; done
(exit 7) & wait $!; echo "$?"
echo "${#text} ${#seen[@]}"
"#;

#[test]
fn bash_forks_500_times() {
    let place = Place::new();
    let script = place.script(SCRIPT);
    let output = place.same(|_| {
        let mut bash = Command::new(tool("bash"));
        bash.arg(&script);
        bash
    });
    assert_eq!(output.lines().count(), 12, "{output}");
    assert!(output.contains("\n7\n"), "{output}");
}
