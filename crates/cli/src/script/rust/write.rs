//! Deeds as statements: which name each block has, what a closure takes with it and gives back, and what is never used again.

use std::collections::{BTreeSet, HashMap, HashSet};

use osmem_oracle::call::Address;
use osmem_oracle::program::{Refused, Slot};

use super::follow::{Deed, Followed, Spot};

/// Everything of `test_programs` that a program may use, in the order of its import.
pub const NAMES: [&str; 17] = [
    "NULL",
    "Refused",
    "calloc",
    "calloc_gives_null",
    "foreign_break",
    "free",
    "free_ignored",
    "malloc",
    "malloc_gives_null",
    "realloc",
    "realloc_fails",
    "realloc_gives_null",
    "realloc_null",
    "realloc_zero",
    "scenario",
    "stack_place",
    "while_refused",
];

/// A variable by its number: each `let` makes new ones.
type Variable = usize;

struct Named {
    name: String,
    used: bool,
}

/// `let BINDS = CALL;`, or a closure instead of a plain call.
struct Statement {
    binds: Vec<Variable>,
    value: Value,
}

enum Value {
    Call(String),
    WhileRefused { what: &'static str, body: Vec<Statement>, gives: Vec<Variable> },
}

/// The closure that is being written.
struct Closure {
    what: &'static str,
    body: Vec<Statement>,
    /// The number that its first variable has.
    first: Variable,
}

/// A program in the making.
#[derive(Default)]
pub struct Writer {
    variables: Vec<Named>,
    body: Vec<Statement>,
    closure: Option<Closure>,
    /// How many places and moves of the break have names already.
    numbered: HashMap<&'static str, u32>,
    /// The names of live blocks.
    taken: HashSet<String>,
    /// The variable of each live block.
    blocks: HashMap<Address, Variable>,
    /// The variable of each place that is remembered, and the last deed that needs it.
    places: HashMap<Address, (Variable, usize)>,
    /// The program's own moves of the break.
    moves: Vec<Variable>,
    imports: BTreeSet<&'static str>,
}

impl Writer {
    /// The program that does all that.
    pub fn of(followed: &Followed) -> Self {
        let mut writer = Self::default();
        writer.imports.insert("scenario");
        for (step, deed) in followed.deeds.iter().enumerate() {
            if let Some((address, last_use)) = followed.kept.get(&step) {
                writer.keep_place(*address, *last_use);
            }
            writer.deed(step, deed);
        }
        writer.end_closure(followed.deeds.len());
        writer
    }

    /// What it imports, in order.
    pub fn imports(&self) -> Vec<&'static str> {
        NAMES.into_iter().filter(|name| self.imports.contains(name)).collect()
    }

    /// The lines of its body.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        self.print(&self.body, 1, &mut lines);
        lines
    }

    fn deed(&mut self, step: usize, deed: &Deed) {
        match *deed {
            Deed::Malloc { size, slot, to } => self.block(slot, to, "malloc", &literal(size)),
            Deed::Calloc { nmemb, size, slot, to } => {
                self.block(slot, to, "calloc", &format!("{}, {}", literal(nmemb), literal(size)));
            }
            Deed::ReallocNull { size, slot, to } => self.block(slot, to, "realloc_null", &literal(size)),
            Deed::Realloc { block, size, slot, to } => {
                let old = self.take(block);
                self.block(slot, to, "realloc", &format!("{old}, {}", literal(size)));
            }
            Deed::ReallocFails { block, size } => {
                let old = self.take(block);
                let call = self.call("realloc_fails", &format!("{old}, {}", literal(size)));
                self.taken.insert(old.clone());
                let variable = self.variable(old);
                self.blocks.insert(block, variable);
                self.push(vec![variable], Value::Call(call));
            }
            Deed::ReallocZero { block } => {
                let old = self.take(block);
                self.plain("realloc_zero", &old);
            }
            Deed::Free { block } => {
                let old = self.take(block);
                self.plain("free", &old);
            }
            Deed::MallocNull { size } => self.plain("malloc_gives_null", &literal(size)),
            Deed::CallocNull { nmemb, size } => {
                self.plain("calloc_gives_null", &format!("{}, {}", literal(nmemb), literal(size)));
            }
            Deed::ReallocMisuse { spot, size } => {
                let place = self.spot(spot);
                self.plain("realloc_gives_null", &format!("{place}, {}", literal(size)));
            }
            Deed::FreeMisuse { spot } => {
                let place = self.spot(spot);
                self.plain("free_ignored", &place);
            }
            Deed::MoveBreak { bytes } => {
                let call = self.call("foreign_break", &literal(bytes.unsigned_abs()));
                let variable = self.fresh("foreign");
                self.moves.push(variable);
                self.push(vec![variable], Value::Call(call));
            }
            Deed::Undo => {
                if let Some(variable) = self.moves.pop() {
                    let call = format!("{}.undo()", self.usage(variable));
                    self.push(Vec::new(), Value::Call(call));
                }
            }
            Deed::Forget => {
                self.moves.pop();
            }
            Deed::Refuse(refused) => {
                self.end_closure(step);
                let what = match refused {
                    Refused::Nothing => return,
                    Refused::Break => "Break",
                    Refused::Mappings => "Mapping",
                };
                self.closure = Some(Closure { what, body: Vec::new(), first: self.variables.len() });
            }
            Deed::Nothing => {}
        }
    }

    /// Makes a name known, once.
    fn variable(&mut self, name: String) -> Variable {
        self.variables.push(Named { name, used: false });
        self.variables.len() - 1
    }

    fn usage(&mut self, variable: Variable) -> String {
        let named = &mut self.variables[variable];
        named.used = true;
        named.name.clone()
    }

    /// A variable called `prefix` and the next number.
    fn fresh(&mut self, prefix: &'static str) -> Variable {
        let number = self.numbered.entry(prefix).or_default();
        *number += 1;
        let name = format!("{prefix}{number}");
        self.variable(name)
    }

    /// The name for a block of this slot, which is taken now; the block that had it before may still live.
    fn name_of(&mut self, slot: Slot) -> String {
        let mut name = format!("b{slot}");
        for number in 2_u64.. {
            if self.taken.insert(name.clone()) {
                break;
            }
            name = format!("b{slot}_{number}");
        }
        name
    }

    fn call(&mut self, function: &'static str, arguments: &str) -> String {
        self.imports.insert(function);
        format!("{function}({arguments})")
    }

    fn plain(&mut self, function: &'static str, arguments: &str) {
        let call = self.call(function, arguments);
        self.push(Vec::new(), Value::Call(call));
    }

    fn block(&mut self, slot: Slot, to: Address, function: &'static str, arguments: &str) {
        let call = self.call(function, arguments);
        let name = self.name_of(slot);
        let variable = self.variable(name);
        self.blocks.insert(to, variable);
        self.push(vec![variable], Value::Call(call));
    }

    /// The name of a live block that is given up.
    fn take(&mut self, block: Address) -> String {
        let name = self.blocks.remove(&block).map(|variable| self.usage(variable)).unwrap_or_default();
        self.taken.remove(&name);
        name
    }

    fn keep_place(&mut self, address: Address, last_use: usize) {
        let Some(block) = self.blocks.get(&address).copied() else { return };
        let call = format!("{}.place()", self.usage(block));
        let variable = self.fresh("place");
        self.places.insert(address, (variable, last_use));
        self.push(vec![variable], Value::Call(call));
    }

    fn spot(&mut self, spot: Spot) -> String {
        match spot {
            Spot::Null => {
                self.imports.insert("NULL");
                "NULL".to_owned()
            }
            Spot::Stack => self.call("stack_place", ""),
            Spot::Block { base, above } => {
                let mut place = match (self.blocks.get(&base), self.places.get(&base)) {
                    (Some(block), _) => format!("{}.place()", self.usage(*block)),
                    (None, Some((place, _))) => self.usage(*place),
                    (None, None) => String::new(),
                };
                if above != 0 {
                    place.push_str(&format!(".plus({})", literal(above)));
                }
                place
            }
        }
    }

    fn push(&mut self, binds: Vec<Variable>, value: Value) {
        let body = self.closure.as_mut().map_or(&mut self.body, |closure| &mut closure.body);
        body.push(Statement { binds, value });
    }

    /// Closes the closure, if one is open, before the deed with this number: it gives back the blocks that live on and the places
    /// that are needed later.
    fn end_closure(&mut self, step: usize) {
        let Some(Closure { what, body, first }) = self.closure.take() else { return };
        if body.is_empty() {
            return;
        }
        self.imports.extend(["Refused", "while_refused"]);
        let blocks = self.blocks.values().copied();
        let places = self.places.values().filter(|(_, last_use)| *last_use > step).map(|(variable, _)| *variable);
        let mut gives: Vec<Variable> = blocks.chain(places).filter(|variable| *variable >= first).collect();
        gives.sort_unstable();
        let mut outer = HashMap::new();
        for variable in &gives {
            let name = self.usage(*variable);
            outer.insert(*variable, self.variable(name));
        }
        let places = self.places.values_mut().map(|(variable, _)| variable);
        for variable in self.blocks.values_mut().chain(places) {
            if let Some(outside) = outer.get(variable) {
                *variable = *outside;
            }
        }
        let binds = gives.iter().map(|variable| outer[variable]).collect();
        self.body.push(Statement { binds, value: Value::WhileRefused { what, body, gives } });
    }

    fn print(&self, body: &[Statement], depth: usize, lines: &mut Vec<String>) {
        let indent = "    ".repeat(depth);
        for Statement { binds, value } in body {
            let binding = if binds.is_empty() { String::new() } else { format!("let {} = ", self.tuple(binds)) };
            match value {
                Value::Call(call) => lines.push(format!("{indent}{binding}{call};")),
                Value::WhileRefused { what, body, gives } => {
                    let head = format!("{indent}{binding}while_refused(Refused::{what}, ||");
                    if let [Statement { binds, value: Value::Call(call) }] = body.as_slice()
                        && binds == gives
                    {
                        lines.push(format!("{head} {call});"));
                        continue;
                    }
                    lines.push(format!("{head} {{"));
                    // What is bound last and given back alone needs no name.
                    match body.split_last() {
                        Some((Statement { binds, value: Value::Call(call) }, before))
                            if binds == gives && !binds.is_empty() =>
                        {
                            self.print(before, depth + 1, lines);
                            lines.push(format!("{indent}    {call}"));
                        }
                        _ => {
                            self.print(body, depth + 1, lines);
                            if !gives.is_empty() {
                                lines.push(format!("{indent}    {}", self.tuple(gives)));
                            }
                        }
                    }
                    lines.push(format!("{indent}}});"));
                }
            }
        }
    }

    fn tuple(&self, variables: &[Variable]) -> String {
        let names = variables.iter().map(|variable| {
            let Named { name, used } = &self.variables[*variable];
            if *used { name.clone() } else { format!("_{name}") }
        });
        let names: Vec<String> = names.collect();
        if let [name] = names.as_slice() { name.clone() } else { format!("({})", names.join(", ")) }
    }
}

/// A number as the test programs write it.
fn literal(number: u64) -> String {
    const NEAR: u64 = 4096;
    match u64::MAX - number {
        0 => return "usize::MAX".to_owned(),
        missing @ 1..NEAR => return format!("usize::MAX - {missing}"),
        _ => {}
    }
    let digits = number.to_string();
    if number < 10_000 {
        return digits;
    }
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('_');
        }
        text.push(digit);
    }
    text
}
