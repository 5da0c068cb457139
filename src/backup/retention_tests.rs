//! The rules on small histories, and what must hold for all histories.

use proptest::prelude::*;

use super::*;

fn rules(last: u32, min_keep: u32) -> Policy {
    Policy {
        last,
        hourly: 0,
        daily: 0,
        weekly: 0,
        monthly: 0,
        yearly: 0,
        within: Duration::ZERO,
        proven: 1,
        min_keep,
    }
}

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn member(number: usize, taken: Timestamp, proof: Proof) -> Member {
    let id = format!("{}-{number:06x}", taken.strftime("%Y%m%dT%H%M%SZ"));
    Member { id, state: State::Complete { taken }, proof, in_use: None }
}

fn members(times: &[&str]) -> Vec<Member> {
    let numbered = times.iter().enumerate();
    numbered.map(|(number, time)| member(number, at(time), Proof::None)).collect()
}

const NOW: &str = "2026-11-21T12:00:00Z";

/// The numbers of the members that stay.
fn stay(policy: &Policy, members: &[Member]) -> Vec<usize> {
    let decisions = decide(policy, at(NOW), members);
    (0..members.len()).filter(|at| decisions[*at].keep).collect()
}

#[test]
fn the_newest_of_each_period_stays() {
    let history = members(&[
        "2024-05-05T01:00:00Z", // 0: the oldest
        "2025-12-31T01:00:00Z", // 1: the last of its year, the first week of 2026
        "2026-10-30T01:00:00Z", // 2
        "2026-10-31T23:59:59Z", // 3: the last of October
        "2026-11-01T00:00:00Z", // 4: a Sunday
        "2026-11-02T00:00:00Z", // 5: a Monday
        "2026-11-21T00:59:59Z", // 6
        "2026-11-21T10:00:00Z", // 7
        "2026-11-21T10:59:59Z", // 8
    ]);
    let with = |change: fn(&mut Policy)| {
        let mut policy = rules(0, 1);
        change(&mut policy);
        stay(&policy, &history)
    };
    assert_eq!(with(|policy| policy.last = 2), [7, 8]);
    assert_eq!(with(|policy| policy.hourly = 2), [6, 8]);
    assert_eq!(with(|policy| policy.daily = 4), [3, 4, 5, 8]);
    assert_eq!(with(|policy| policy.weekly = 3), [4, 5, 8]);
    assert_eq!(with(|policy| policy.monthly = 3), [1, 3, 8]);
    assert_eq!(with(|policy| policy.yearly = 3), [0, 1, 8]);
    // Too few years: the oldest stays, to become one.
    assert_eq!(with(|policy| policy.yearly = 9), [0, 1, 8]);
    assert_eq!(with(|policy| policy.within = Duration::from_secs(11 * 3600)), [6, 7, 8]);
    assert_eq!(with(|policy| (policy.last, policy.yearly) = (2, 2)), [1, 7, 8]);
}

#[test]
fn the_oldest_stays_where_a_rule_finds_too_few() {
    let history =
        members(&["2026-11-02T00:00:00Z", "2026-11-10T00:00:00Z", "2026-11-21T00:00:00Z"]);
    let policy = Policy { monthly: 2, ..rules(0, 1) };
    let decisions = decide(&policy, at(NOW), &history);
    assert_eq!(decisions[0].reasons, [Reason::Oldest(Period::Month)]);
    assert_eq!(decisions[1].reasons, [Reason::NoRuleKeeps]);
    assert_eq!(decisions[2].reasons[0], Reason::Newest);
}

#[test]
fn within_counts_from_the_newest_backup_and_not_from_today() {
    // Backups stopped long ago: nothing grows out of the window.
    let history =
        members(&["2020-01-01T00:00:00Z", "2020-01-05T00:00:00Z", "2020-01-06T00:00:00Z"]);
    let policy = Policy { within: Duration::from_secs(2 * 86_400), ..rules(0, 1) };
    assert_eq!(stay(&policy, &history), [1, 2]);
}

#[test]
fn what_nobody_can_judge_stays_and_counts_nowhere() {
    let mut history = members(&[
        "2026-11-01T00:00:00Z",
        "2026-11-02T00:00:00Z",
        "2026-11-03T00:00:00Z",
        "2026-11-04T00:00:00Z",
        "2026-11-05T00:00:00Z",
        "2031-01-01T00:00:00Z",
    ]);
    history[3].state = State::Incomplete;
    history[4].state = State::Unusable("its digest does not fit".into());
    assert_eq!(stay(&rules(1, 1), &history), [2, 3, 4, 5]);
    let decisions = decide(&rules(1, 1), at(NOW), &history);
    assert!(decisions[5].reasons[0].to_string().contains("future"));
    assert!(decisions[4].reasons[0].to_string().contains("digest does not fit"));
    // A clock that is a little fast is nobody's future.
    let history = members(&["2026-11-20T00:00:00Z", "2026-11-21T12:05:00Z"]);
    assert_eq!(stay(&rules(1, 1), &history), [1]);
}

#[test]
fn the_newest_verified_stays_until_its_proof_falls() {
    let mut history = members(&[
        "2026-11-01T00:00:00Z",
        "2026-11-02T00:00:00Z",
        "2026-11-03T00:00:00Z",
        "2026-11-04T00:00:00Z",
    ]);
    (history[0].proof, history[1].proof) = (Proof::Stands, Proof::Stands);
    assert_eq!(stay(&rules(1, 1), &history), [1, 3]);
    assert_eq!(stay(&Policy { proven: 2, ..rules(1, 1) }, &history), [0, 1, 3]);
    history[1].proof = Proof::Failed;
    assert_eq!(stay(&rules(1, 1), &history), [0, 3]);
    // What is damaged is the newest, and does not push the last good one out.
    (history[2].proof, history[3].proof) = (Proof::Failed, Proof::Failed);
    history[0].proof = Proof::None;
    assert_eq!(stay(&rules(1, 1), &history), [0, 3]);
}

#[test]
fn what_is_in_use_stays() {
    let mut history = members(&["2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"]);
    history[0].in_use = Some("restore".into());
    assert_eq!(stay(&rules(1, 1), &history), [0, 1]);
}

#[test]
fn without_rules_everything_stays() {
    assert_eq!(Policy::new(&Retention { min_keep: Some(1), ..Retention::default() }), None);
    let history = members(&["2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"]);
    assert_eq!(stay(&rules(0, 1), &history), [0, 1]);
    let given = Policy::new(&Retention { last: Some(1), ..Retention::default() }).unwrap();
    assert_eq!((given.min_keep, given.proven), (MIN_KEEP, PROVEN));
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    // Four years up to a month from now; often several in one hour.
    let second = prop_oneof![-126_000_000_i64..2_600_000, (-60_i64..10).prop_map(|n| n * 1800)];
    second.prop_map(|second| at(NOW) + SignedDuration::from_secs(second))
}

fn any_member() -> impl Strategy<Value = Member> {
    let proof = prop_oneof![
        4 => Just(Proof::None),
        2 => Just(Proof::Stands),
        1 => Just(Proof::Failed),
    ];
    let other = prop_oneof![
        10 => Just(None),
        1 => Just(Some(State::Incomplete)),
        1 => Just(Some(State::Unusable("x".into()))),
    ];
    let in_use = prop::option::weighted(0.05, Just("restore".to_owned()));
    (any_time(), 0_usize..0x00ff_ffff, proof, other, in_use).prop_map(
        |(taken, number, proof, other, in_use)| {
            let mut member = member(number, taken, proof);
            member.in_use = in_use;
            if let Some(state) = other {
                member.state = state;
            }
            member
        },
    )
}

fn any_history() -> impl Strategy<Value = Vec<Member>> {
    let members = prop::collection::vec(any_member(), 0..40);
    members.prop_map(|mut members| {
        members.sort_by(|a, b| a.id.cmp(&b.id));
        members.dedup_by(|a, b| a.id == b.id);
        members
    })
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let count = || prop_oneof![2 => Just(0_u32), 3 => 1_u32..8];
    let rules = (count(), count(), count(), count(), count(), count());
    let within = prop_oneof![Just(0_u64), 1_u64..40_000_000];
    (rules, within, 1_u32..5, 1_u32..6).prop_map(
        |((last, hourly, daily, weekly, monthly, yearly), within, proven, min_keep)| {
            let within = Duration::from_secs(within);
            Policy { last, hourly, daily, weekly, monthly, yearly, within, proven, min_keep }
        },
    )
}

/// Complete, not from the future: the newest first.
fn countable(history: &[Member]) -> Vec<(Timestamp, &Member)> {
    let mut found: Vec<_> = history
        .iter()
        .filter_map(|member| match &member.state {
            State::Complete { taken } if *taken <= at(NOW) + CLOCK_SKEW => Some((*taken, member)),
            _ => None,
        })
        .collect();
    found.sort_by(|a, b| (b.0, &b.1.id).cmp(&(a.0, &a.1.id)));
    found
}

/// The ids of those that stay.
fn kept_ids(policy: &Policy, history: &[Member]) -> Vec<String> {
    stay(policy, history).into_iter().map(|at| history[at].id.clone()).collect()
}

fn larger(policy: &Policy, more: &Policy) -> Policy {
    Policy {
        last: policy.last + more.last,
        hourly: policy.hourly + more.hourly,
        daily: policy.daily + more.daily,
        weekly: policy.weekly + more.weekly,
        monthly: policy.monthly + more.monthly,
        yearly: policy.yearly + more.yearly,
        within: policy.within + more.within,
        proven: policy.proven + more.proven,
        min_keep: policy.min_keep + more.min_keep,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_guards_hold(policy in any_policy(), history in any_history()) {
        let kept = kept_ids(&policy, &history);
        let stays = |member: &Member| kept.contains(&member.id);
        let all = countable(&history);
        let sound: Vec<_> = all.iter().filter(|(_, m)| m.proof != Proof::Failed).collect();
        // Never below the guard, counting only what is complete and not known to be damaged.
        let left = sound.iter().filter(|(_, member)| stays(member)).count();
        prop_assert!(left >= sound.len().min(policy.min_keep as usize));
        // Never the newest, whether it passed its verification or not.
        for newest in [all.first(), sound.first().copied()].into_iter().flatten() {
            prop_assert!(stays(newest.1));
        }
        // Never the newest verified ones.
        let proven = sound.iter().filter(|(_, m)| m.proof == Proof::Stands);
        for (_, member) in proven.take(policy.proven as usize) {
            prop_assert!(stays(member));
        }
        // Never what is not complete, is in use or from the future.
        for member in &history {
            let judged = all.iter().any(|(_, other)| other.id == member.id);
            prop_assert!(stays(member) || (judged && member.in_use.is_none()));
        }
    }

    #[test]
    fn every_decision_has_a_reason(policy in any_policy(), history in any_history()) {
        let decisions = decide(&policy, at(NOW), &history);
        prop_assert_eq!(decisions.len(), history.len());
        for decision in decisions {
            let goes = [Reason::NoRuleKeeps, Reason::NoRuleKeepsFailed];
            prop_assert!(!decision.reasons.is_empty());
            prop_assert_eq!(decision.keep, !decision.reasons.iter().any(|r| goes.contains(r)));
        }
    }

    #[test]
    fn a_second_run_removes_nothing(policy in any_policy(), history in any_history()) {
        let kept = kept_ids(&policy, &history);
        let rest: Vec<_> = history.into_iter().filter(|m| kept.contains(&m.id)).collect();
        prop_assert_eq!(kept_ids(&policy, &rest), kept);
    }

    /// So it does not matter where a run was broken off.
    #[test]
    fn removing_some_now_and_the_rest_later_is_the_same(
        policy in any_policy(), history in any_history(), mask in any::<u64>(),
    ) {
        let kept = kept_ids(&policy, &history);
        let rest: Vec<_> = history.into_iter().enumerate()
            .filter(|(at, m)| kept.contains(&m.id) || mask & (1 << (at % 64)) != 0)
            .map(|(_, member)| member)
            .collect();
        prop_assert_eq!(kept_ids(&policy, &rest), kept);
    }

    #[test]
    fn a_larger_policy_never_removes_more(
        policy in any_policy(), more in any_policy(), history in any_history(),
    ) {
        prop_assume!(policy.has_a_rule());
        let kept = kept_ids(&larger(&policy, &more), &history);
        for id in kept_ids(&policy, &history) {
            prop_assert!(kept.contains(&id), "{} goes with more rules", id);
        }
    }

    #[test]
    fn the_order_of_the_list_does_not_matter(policy in any_policy(), history in any_history()) {
        let kept = kept_ids(&policy, &history);
        let turned: Vec<_> = history.into_iter().rev().collect();
        let mut again = kept_ids(&policy, &turned);
        again.reverse();
        prop_assert_eq!(again, kept);
    }

    /// One from the future, damaged or in the making changes nothing for the others.
    #[test]
    fn what_does_not_count_changes_nothing(
        policy in any_policy(), history in any_history(), which in 0_usize..3,
    ) {
        let mut kept = kept_ids(&policy, &history);
        let mut more = history;
        let mut odd = member(0xff_ffff, at("2030-01-01T00:00:00Z"), Proof::Stands);
        match which {
            0 => odd.state = State::Incomplete,
            1 => odd.state = State::Unusable("x".into()),
            _ => {}
        }
        kept.push(odd.id.clone());
        more.push(odd);
        prop_assert_eq!(kept_ids(&policy, &more), kept);
    }
}
