package config

import "time"

// DefaultPolicy is RULES §1 and §2 as they stand when nobody overrides anything. Every call returns a fresh value.
func DefaultPolicy() Policy {
	half, quarter := MustFraction(1, 2), MustFraction(1, 4)
	return Policy{
		Label:            "rfc",
		Types:            defaultTypes(),
		DefaultType:      CapabilityProposal,
		Electorate:       Electorate{MinMembership: 7 * Day, MinAccountAge: 30 * Day, AutoRegister: true, RegularWindow: 365 * Day},
		MinSupporters:    2,
		AuthorShare:      half,
		LateWindow:       hours(48),
		LateWindowShare:  quarter,
		NearTie:          NearTie{Points: MustFraction(2, 100), Extension: hours(72)},
		MaxExtension:     7 * Day,
		EarlyCloseNotice: hours(24),
		CloseOnDecision:  true,
		MergeOnAccept:    MergeNone,
		Concerns:         Concerns{MinReason: 20, PerMember: 2, ClosedShare: quarter, Lapse: 7 * Day},
		Postponed:        Postponed{Retries: 1, After: 7 * Day},
		Organisation:     Organisation{Warn: quarter, Confirm: MustFraction(2, 5), ConfirmWithin: hours(72)},
		TextRestarts:     2,
		TwoStewards:      2,
		Digest:           Digest{Day: 1},
		Reputation:       defaultReputation(),
	}
}

func defaultTypes() map[Type]TypeRules {
	rules := func(discussion, voting Duration, floor int, root Fraction, weight int64, approval Threshold) TypeRules {
		return TypeRules{
			Discussion: discussion, Voting: voting, Approval: approval,
			Quorum: Quorum{Floor: floor, Root: root, Weight: MustFraction(weight, 100)},
		}
	}
	atLeast := func(num, den int64) Threshold { return Threshold{Fraction: MustFraction(num, den)} }
	moreThan := func(num, den int64) Threshold { return Threshold{Fraction: MustFraction(num, den), Strict: true} }
	one, oneAndAHalf, two := MustFraction(1, 1), MustFraction(3, 2), MustFraction(2, 1)
	return map[Type]TypeRules{
		Roadmap:            rules(7*Day, 7*Day, 3, one, 10, moreThan(1, 2)),
		CapabilityProposal: rules(14*Day, 7*Day, 3, one, 15, atLeast(3, 5)),
		Standard:           rules(14*Day, 10*Day, 5, oneAndAHalf, 20, atLeast(2, 3)),
		PolicyChange:       rules(14*Day, 14*Day, 5, oneAndAHalf, 20, atLeast(2, 3)),
		BreakingChange:     rules(14*Day, 14*Day, 5, two, 30, atLeast(3, 4)),
	}
}

func defaultReputation() Reputation {
	return Reputation{
		Points: map[EntryKind]int{
			RFCAccepted: 60, RFCImplemented: 30, PullRequestMerged: 15, ConcernUpheld: 10, RFCRejected: 5,
			CertifiedFoundation: 10, CertifiedPractitioner: 20, CertifiedArchitect: 30, CertifiedSpecialist: 40,
			VoteCast: 1, CommentReaction: 1, Endorsement: 4, SkillReview: 2,
			SpamRemoved: 10, FrivolousConcern: 5, AbuseUpheld: 25, FraudUpheld: 100,
			GenesisAdmin: 200, GenesisMaintain: 150, GenesisWrite: 100, GenesisTriage: 40,
		},
		HalfLife:         180 * Day,
		NegativeHalfLife: 365 * Day,
		AuthorityPerDay:  60,
		SignalsPerDay:    10,
		SignalBase:       20,
		SignalShare:      MustFraction(1, 2),
		Curve:            400,
		Signals: Signals{
			FactorBase:          MustFraction(1, 4),
			FactorShare:         MustFraction(3, 4),
			MinAccountAge:       30 * Day,
			MinMembership:       7 * Day,
			MinReputation:       5,
			RepeatWindow:        90 * Day,
			Bursts:              []Burst{{Count: 5, Within: hours(24)}, {Count: 10, Within: 7 * Day}},
			MutualMax:           4,
			MutualWindow:        30 * Day,
			ReactionsPerComment: 5,
			ReviewsPerDay:       2,
		},
		GenesisRepositoryAge: 30 * Day,
	}
}

func hours(n int) Duration { return Duration(n) * Duration(time.Hour) }
