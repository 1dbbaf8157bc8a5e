//! Interpreters: each runs a script that makes and drops many small objects and prints what it found.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use crate::data::Numbers;
use crate::run::{Place, one_of, tool};

const PERL: &str = r#"
my ($seed, %count, @lines) = (1);
sub number { $seed = ($seed * 1103515245 + 12345) % 2147483648 }
for my $i (1 .. 200000) {
    my $word = join '', map { chr(97 + number() / 65536 % 26) } 1 .. 1 + $i % 12;
    $count{$word} .= $i;
    push @lines, "$word $i" if $i % 3 == 0;
    delete $count{$word} if $i % 5 == 0;
}
my @sorted = sort { $a cmp $b } @lines;
my %nested;
push @{ $nested{substr $_, 0, 2}{length $_} }, $_ for @sorted;
for my $start (sort keys %nested) {
    print "$start: ", join(',', map { "$_=" . @{ $nested{$start}{$_} } } sort keys %{ $nested{$start} }), "\n";
}
my $text = join "\n", @sorted;
$text =~ s/(\w)(\w+) (\d+)/$3 $2$1/g;
print length($text), ' ', unpack('%32C*', $text), ' ', scalar(keys %count), "\n";
print unpack('%32C*', join '', map { $_ . $count{$_} } sort keys %count), "\n";
$text = '';
$text .= 'x' x ($_ % 100) for 1 .. 100000;
print length $text, "\n";
"#;

const LUA: &str = r#"
local seed = 1
local function number() seed = (seed * 1103515245 + 12345) % 2147483648; return seed end
local function tree(depth)
  if depth == 0 then return {number()} end
  return {tree(depth - 1), tree(depth - 1), name = "node " .. depth .. ":" .. number()}
end
local function weigh(node)
  if #node == 1 then return node[1] % 1000 end
  return weigh(node[1]) + weigh(node[2]) + #node.name
end
for round = 1, 8 do print(round, weigh(tree(14))) end
local words, order = {}, {}
for i = 1, 200000 do
  local word = string.format("%x", number() % 50000)
  words[word] = (words[word] or "") .. (i % 10)
  if i % 1000 == 0 then collectgarbage("step") end
end
for word in pairs(words) do order[#order + 1] = word end
table.sort(order)
local sum = 0
for position, word in ipairs(order) do sum = (sum * 31 + #words[word] + #word + position) % 1000000007 end
print(#order, sum, #table.concat(order))
"#;

const AWK: &str = r#"
{ count[$2]++; text[$2] = text[$2] substr($3, 1, 5); fields[NR % 1000] = $0 }
NR % 7 == 0 { delete text[$2] }
{ gsub(/[aeiou0-4]/, "<&>", $3); length_of += length($3); n = split($3, parts, "<"); pieces += n }
END {
  n = asorti(count, order)
  for (i = 1; i <= n; i++) { key = order[i]; print key, count[key], length(text[key]) }
  print NR, length_of, pieces, length(fields)
}
"#;

const JQ: &str = r#"
[.[] | {key: .name[0:2], value: (.name | ascii_upcase), n: .n, tags: (.tags | sort | unique)}]
| group_by(.key)
| map({key: .[0].key, count: length, sum: (map(.n) | add), tags: (map(.tags) | add | unique | join("+")), last: (sort_by(.n) | last | .value)})
"#;

#[test]
fn perl() {
    let place = Place::new();
    let script = place.script(PERL);
    let output = place.same(|_| {
        let mut perl = Command::new(tool("perl"));
        perl.arg(&script).env("PERL_HASH_SEED", "0").env("PERL_PERTURB_KEYS", "0");
        perl
    });
    assert!(output.lines().count() > 600, "{output}");
}

#[test]
fn lua() {
    let place = Place::new();
    let script = place.script(LUA);
    let output = place.same(|_| {
        let mut lua = Command::new(one_of(&["lua5.4", "lua"]));
        lua.arg(&script);
        lua
    });
    assert_eq!(output.lines().count(), 9, "{output}");
}

#[test]
fn gawk() {
    let place = Place::new();
    let (script, input) = (place.script(AWK), place.input().join("input"));
    let mut numbers = Numbers(3);
    let mut lines = String::new();
    for line in 0..200_000 {
        writeln!(lines, "{line} key-{:x} {:x}", numbers.below(20_000), numbers.next()).unwrap();
    }
    fs::write(&input, lines).unwrap();
    let output = place.same(|_| {
        let mut gawk = Command::new(tool("gawk"));
        gawk.arg("-f").arg(&script).arg(&input);
        gawk
    });
    assert!(output.lines().count() > 19_000, "{output}");
}

#[test]
fn jq() {
    let place = Place::new();
    let input = place.input().join("input");
    let mut numbers = Numbers(4);
    let objects: Vec<_> = (0..60_000)
        .map(|number| {
            let tags: Vec<_> = (0..numbers.below(5)).map(|_| format!("\"t{}\"", numbers.below(30))).collect();
            format!("{{\"name\":\"{:x}\",\"n\":{number},\"tags\":[{}]}}\n", numbers.next(), tags.join(","))
        })
        .collect();
    fs::write(&input, format!("[{}]", objects.join(","))).unwrap();
    let output = place.same(|_| {
        let mut jq = Command::new(tool("jq"));
        jq.arg(JQ).arg(&input);
        jq
    });
    assert!(output.lines().count() > 1000, "{output}");
}
