//! The C compiler proper on a source of a megabyte.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use crate::data::Numbers;
use crate::run::{Place, assert_same_file, succeed, tool};

const BYTES: usize = 1 << 20;

/// Functions with loops, branches and calls of the ones before.
fn source() -> String {
    let mut numbers = Numbers(5);
    let mut text =
        "struct pair { int a; long b[4]; };\nlong f0(struct pair *p, long n) { return p->a + n; }\n".to_owned();
    let mut function = 1;
    while text.len() < BYTES {
        let mut number = |end| numbers.below(end);
        writeln!(text, "static const char *const name{function} = \"the function {function} of {}\";", number(9999))
            .unwrap();
        writeln!(text, "long f{function}(struct pair *p, long n)\n{{\n\tlong sum = {};", number(1000)).unwrap();
        writeln!(text, "\tfor (int i = 0; i < n % {}; i++) {{", number(90) + 1).unwrap();
        for statement in 0..12 {
            let (x, y) = (number(4), number(function));
            match number(3) {
                0 => writeln!(text, "\t\tif (p->b[{x}] > sum + {y})\n\t\t\tsum += p->b[{x}] * i;"),
                1 => writeln!(text, "\t\tsum ^= f{y}(p, sum % {});", statement + 3),
                _ => writeln!(text, "\t\tp->b[{x}] += sum / {} + name{function}[i % 9];", y + 1),
            }
            .unwrap();
        }
        text.push_str("\t}\n\treturn sum;\n}\n");
        function += 1;
    }
    text
}

#[test]
fn cc1_compiles_a_megabyte() {
    let place = Place::new();
    let input = place.input().join("source.c");
    fs::write(&input, source()).unwrap();
    let answer = Command::new(tool("gcc")).arg("-print-prog-name=cc1").output().unwrap();
    let cc1 = String::from_utf8(answer.stdout).unwrap().trim_end().to_owned();
    let [(_, plain), (_, preloaded)] = place.twice(|on, here| {
        let mut compiler = Command::new(&cc1);
        compiler.args(["-quiet", "-O0", "-w", "-o"]).arg(here.join("source.s")).arg(&input);
        succeed(on, &mut compiler);
    });
    assert_same_file("source.s", &plain, &preloaded);
}
