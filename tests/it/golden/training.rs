//! Optimisers of our own, and learning rates, against PyTorch and the published code of paper 1.

use super::fixture::{Fixture, relative_l2};
use antrum::train::lars::LarsConfig;
use antrum::train::{Decay, Epoch, Optimiser, Schedule, losses};
use burn::optim::Optimizer as _;
use burn::tensor::{Device, Tensor, TensorData};

#[test]
fn golden_lars_steps() {
    let fixture = Fixture::load("B_losses/optimisers");
    let device = Device::flex();
    let runs =
        [("lars_m0", 0.0, [0.15; 3]), ("lars_m0_lr", 0.0, [0.0, 0.05, 0.2]), ("lars_m0.9_clean", 0.9, [0.15; 3])];
    for (run, momentum, rates) in runs {
        let lars = LarsConfig::new().with_momentum(momentum).build();
        for (name, shape) in [("w", [4, 3]), ("b", [3, 1]), ("z", [2, 2])] {
            let parameters = &fixture.json["parameters"];
            let first = if parameters[name] == "zeros" { vec![0.0; 4] } else { fixture.input(parameters, name) };
            let tensor = |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, shape), &device);
            let (mut ours, mut state) = (tensor(first), None);
            for (step, rate) in rates.into_iter().enumerate() {
                let gradient = tensor(fixture.input(&fixture.json["gradients"][format!("step{step}")], name));
                (ours, state) = lars.step(rate, ours, gradient, state);
                let theirs = fixture.floats(&format!("{run}.step{}.{name}", step + 1));
                for (ours, theirs) in ours.clone().into_data().try_into_vec::<f32>().unwrap().iter().zip(theirs) {
                    assert!((ours - theirs).abs() < 1e-6, "{run} step {step} {name}: {ours} instead of {theirs}");
                }
            }
        }
    }
}

#[test]
fn golden_learning_rates() {
    let fixture = Fixture::load("B_losses/schedules");
    let epochs = |losses: &[f64]| -> Vec<Epoch> {
        let epoch = |(i, &validation_loss): (usize, &f64)| Epoch { number: i + 1, training_loss: 1.0, validation_loss };
        losses.iter().enumerate().map(epoch).collect()
    };
    let near = |ours: f64, theirs: f64| (ours - theirs).abs() <= 1e-5 * theirs + 1e-15;
    let schedule = |epochs: usize, learning_rate: f64, decay: Decay| Schedule {
        epochs,
        batch: 1,
        optimiser: Optimiser::Adam,
        learning_rate,
        decay,
        clip: None,
        patience: 1,
        seed: 1,
    };
    let of = |name: &str| &fixture.json["schedules"][name];
    let rows = |name: &str| of(name)["values"].as_array().unwrap().clone();
    for name in ["warmup_cosine_code", "warmup_cosine_paper"] {
        let number = |key: &str| of(name)[key].as_u64().unwrap() as usize;
        let (steps, warm, all) = (number("steps_per_epoch"), number("warmup_epochs"), number("max_epochs"));
        let rate = of(name)["base_lr"].as_f64().unwrap();
        let schedule = schedule(all, rate, Decay::WarmUpCosine { epochs: warm });
        for row in rows(name).iter().filter(|row| row[0].as_u64().unwrap() < (all * steps) as u64) {
            let step = row[0].as_u64().unwrap() as usize;
            let ours = schedule.rate(&epochs(&vec![1.0; step / steps]), step % steps, steps);
            assert!(near(ours, row[2].as_f64().unwrap()), "{name} {row}: {ours}");
        }
    }
    for name in ["one_cycle_screener", "one_cycle_50", "one_cycle_37"] {
        let number = |key: &str| of(name)[key].as_f64().unwrap();
        let schedule = schedule(1, number("max_lr"), Decay::OneCycle { rise: number("pct_start") });
        for row in rows(name) {
            let ours = schedule.rate(&[], row[0].as_u64().unwrap() as usize, number("total_steps") as usize);
            assert!(near(ours, row[1].as_f64().unwrap()), "{name} {row}: {ours}");
        }
    }
    let plateau = schedule(99, 1e-4, Decay::Plateau { factor: 0.1, patience: 10 });
    let rows = rows("plateau");
    let losses: Vec<f64> = rows.iter().map(|row| row[0].as_f64().unwrap()).collect();
    for (index, row) in rows.iter().enumerate() {
        let ours = plateau.rate(&epochs(&losses[..=index]), 0, 1);
        assert!(near(ours, row[1].as_f64().unwrap()), "plateau {index} {row}: {ours}");
    }
}

/// Relative distance of two numbers.
fn apart(ours: &Tensor<1>, theirs: &serde_json::Value) -> f64 {
    let theirs = theirs.as_f64().unwrap();
    (f64::from(ours.clone().into_scalar::<f32>()) - theirs).abs() / theirs.abs()
}

#[test]
fn golden_losses_and_their_gradients() {
    let device = Device::flex().autodiff();
    let load = |item: &str| Fixture::load(&format!("B_losses/{item}"));
    let inputs = |fixture: &Fixture, names: &[&str], shape: [usize; 2]| -> Vec<Tensor<2>> {
        let values = names.iter().map(|name| fixture.input(&fixture.json["inputs"], name));
        values.map(|v| Tensor::from_data(TensorData::new(v, shape), &device).require_grad()).collect()
    };
    let assert_gradient = |fixture: &Fixture, loss: &Tensor<1>, name: &str, of: &Tensor<2>| {
        let ours = of.grad(&loss.backward()).unwrap().into_data().try_into_vec::<f32>().unwrap();
        let distance = relative_l2(&ours, &fixture.floats(&format!("grad.{name}")));
        assert!(distance < 1e-5, "{name}: {distance:e}");
    };

    let fixture = load("bce_l1_ce");
    let of = inputs(&fixture, &["logits", "target"], [30, 4]);
    let loss = losses::bce(of[0].clone(), of[1].clone());
    assert!(apart(&loss, &fixture.json["bce_mean"]) < 1e-5);
    assert_gradient(&fixture, &loss, "bce", &of[0]);
    let extreme = &fixture.json["bce_extreme"];
    for ((logit, target), expected) in [-200.0_f32, -40.0, 0.0, 40.0, 200.0]
        .into_iter()
        .zip([0.0_f32, 1.0, 0.25, 0.0, 1.0])
        .zip(extreme["per_element"].as_array().unwrap())
    {
        let one = |value: f32| Tensor::<1>::from_floats([value], &device);
        let ours = f64::from(losses::bce(one(logit), one(target)).into_scalar::<f32>());
        assert!((ours - expected.as_f64().unwrap()).abs() < 1e-5, "{logit} {target}: {ours}");
    }
    let of = inputs(&fixture, &["ce_logits"], [6, 2]);
    let loss = losses::cross_entropy(of[0].clone(), &[0, 1, 1, 0, 1, 0], &[0.83, 1.24]);
    assert!(apart(&loss, &fixture.json["weighted_ce"]["loss"]) < 1e-5);
    assert_gradient(&fixture, &loss, "ce", &of[0]);

    let fixture = load("byol_simsiam");
    let of = inputs(&fixture, &["online1", "online2", "target1", "target2"], [5, 7]);
    let loss = losses::sim_siam([of[0].clone(), of[1].clone()], [of[2].clone(), of[3].clone()]);
    assert!(apart(&loss, &fixture.json["simsiam_loss"]) < 1e-5);
    // The fixture's gradient is that of BYOL's loss, 4 + 4 times this.
    assert_gradient(&fixture, &(loss * 4.0), "online1", &of[0]);

    for item in ["ntxent", "ntxent2"] {
        let fixture = load(item);
        let shape = [0, 1].map(|axis| fixture.json["inputs"]["zi"]["shape"][axis].as_u64().unwrap() as usize);
        let of = inputs(&fixture, &["zi", "zj"], shape);
        let loss = losses::nt_xent(&[of[0].clone(), of[1].clone()], 0.07);
        assert!(apart(&loss, &fixture.json["loss"]) < 1e-5, "{item}");
        assert_gradient(&fixture, &loss, "zi", &of[0]);
    }
}
