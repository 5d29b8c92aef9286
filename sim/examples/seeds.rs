//! Runs seeds of one of our own simulations: `cargo run --release -p homing-sim --example seeds mixed 0 1000`.

fn main() {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_else(|| "mixed".into());
    let mut number = |or| args.next().and_then(|n| n.parse().ok()).unwrap_or(or);
    let (from, count) = (number(0), number(100));
    let Some(simulation) = homing_sim::scenarios::named(&name) else { return eprintln!("no {name}") };
    let start = std::time::Instant::now();
    let report = simulation.run_on(1, from..from + count, |_| true);
    println!("{} seeds, {} facts, {:?} in {:?}", report.seeds, report.facts, report.age, start.elapsed());
    for (situation, n) in report.sometimes.iter() {
        println!("{n:8} {}", situation.name());
    }
    if let Some(failed) = report.failed {
        println!("{failed}");
    }
}
