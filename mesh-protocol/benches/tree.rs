//! The filter tree at 100,000 filters. The bar is one million topics a second on one core (DATAPLANE.md 8).

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mesh_protocol::topic::{Filter, FilterTree, Topic, TreeWriter};

const FILTERS: u32 = 100_000;
const TOPICS: u32 = 20_000;

/// Small, fast and the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(end)).expect("below a u32")
    }
}

/// Three to five levels: area, site, device, metric, detail.
fn levels(random: &mut Random) -> Vec<String> {
    let depth = 3 + random.below(3) as usize;
    ["area", "site", "device", "metric", "detail"]
        .iter()
        .zip([20, 100, 1_000, 20, 5])
        .take(depth)
        .map(|(name, kinds)| format!("{name}-{}", random.below(kinds)))
        .collect()
}

/// Of 100 filters 35 have a wildcard level behind the area, 25 end in `>`, and with `prefixes` 15 have a prefix.
fn filter(random: &mut Random, prefixes: bool) -> Filter {
    let mut levels = levels(random);
    let place = 1 + random.below(u32::try_from(levels.len()).expect("few") - 1) as usize;
    match random.below(100) {
        0..35 => levels[place] = "*".to_owned(),
        35..60 => {
            levels.truncate(place.max(2));
            levels.push(">".to_owned());
        }
        60..75 if prefixes => {
            let keep = levels[place].len() - 1;
            levels[place].truncate(keep);
            levels[place].push('*');
        }
        _ => {}
    }
    Filter::mesh(levels.join("/")).expect("a valid filter")
}

fn filters(prefixes: bool) -> Vec<Filter> {
    let mut random = Random(1);
    (0..FILTERS).map(|_| filter(&mut random, prefixes)).collect()
}

fn topics() -> Vec<Topic> {
    let mut random = Random(2);
    (0..TOPICS).map(|_| Topic::new(levels(&mut random).join("/")).expect("a valid topic")).collect()
}

fn tree(filters: &[Filter]) -> FilterTree<u32> {
    let mut tree = FilterTree::new();
    for (value, filter) in (0..).zip(filters) {
        tree.insert(filter, value);
    }
    tree
}

fn matches(criterion: &mut Criterion) {
    let topics = topics();
    let mut group = criterion.benchmark_group("match");
    group.throughput(Throughput::Elements(u64::from(TOPICS)));
    for (name, prefixes) in [("selective", false), ("with prefixes", true)] {
        let tree = tree(&filters(prefixes));
        let mut hits = 0_u64;
        topics.iter().for_each(|topic| tree.matches(topic, &mut |_| hits += 1));
        group.bench_function(format!("{name}, {} hits per topic", hits / u64::from(TOPICS)), |bencher| {
            bencher.iter(|| {
                let mut sum = 0_u64;
                for topic in &topics {
                    tree.matches(black_box(topic), &mut |value| sum += u64::from(*value));
                }
                sum
            });
        });
    }
}

fn changes(criterion: &mut Criterion) {
    let filters = filters(true);
    let mut group = criterion.benchmark_group("change");
    group.bench_function("build 100,000", |bencher| bencher.iter(|| tree(&filters).len()));

    let mut writer = TreeWriter::new();
    for (value, filter) in (0..).zip(&filters) {
        writer.insert(filter, value);
    }
    let mut next = filters.iter().cycle();
    group.bench_function("one change, published", |bencher| {
        bencher.iter(|| {
            let filter = next.next().expect("endless");
            writer.insert(filter, u32::MAX);
            writer.publish();
            writer.remove(filter, &u32::MAX);
            writer.publish();
        });
    });
}

fn relations(criterion: &mut Criterion) {
    let (grant, wanted) =
        (Filter::mesh("orders/*/till*/>").expect("valid"), Filter::mqtt("orders/fr/till-7/+/#").expect("valid"));
    let topic = Topic::new("orders/fr/till-7/sale/1").expect("valid");
    criterion.bench_function("filter matches", |bencher| bencher.iter(|| black_box(&grant).matches(black_box(&topic))));
    criterion
        .bench_function("filter includes", |bencher| bencher.iter(|| black_box(&grant).includes(black_box(&wanted))));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = matches, changes, relations
}
criterion_main!(benches);
