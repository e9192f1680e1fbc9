package main

import (
	"slices"
	"strings"
	"time"

	"github.com/agora-rfc/agora/app/ghsim"
)

// demoPolicy is the community's configuration: the defaults, and a person who may
// act as a steward besides the maintainers.
const demoPolicy = "version: 1\nstewards: [\"maya\"]\n"

func (t *story) install() error {
	t.scene("The organisation acme installs Agora")
	t.sim.AddUsers("maya", "kim", "lee", "noor", "sam", "zoe")
	t.sim.AddUser(ghsim.NewUser{Login: "ana", Name: "Ana"})
	t.sim.AddOrganization(ghsim.NewOrganization{Login: "acme", Owners: []string{"maya"}, Members: []string{"kim", "lee", "noor", "sam"}})
	t.sim.AddRepository(ghsim.NewRepository{Owner: "acme", Name: "rfcs",
		Collaborators: map[string]string{"kim": "write", "lee": "write", "noor": "triage", "sam": "maintain"},
		Files:         map[string]string{".github/agora.yml": demoPolicy}})
	t.sim.Install(t.app.ID, "acme")
	t.who("maya", "installs the App on acme/rfcs, which has a .github/agora.yml")
	if err := t.settle(t.ctx); err != nil {
		return err
	}
	var members struct {
		Items []struct {
			Login      string `json:"login"`
			Reputation int    `json:"reputation"`
		} `json:"items"`
	}
	if err := t.api("communities/acme/members", &members); err != nil {
		return err
	}
	t.expect(len(members.Items) == 5, "the repository's people are members from the start, with a first reputation by their permission")
	return nil
}

func (t *story) join() error {
	t.scene("A newcomer joins")
	hello, err := t.sim.As("maya").OpenIssue(repository, "Say hello here", "New here? `/member join` makes you a member.")
	if err != nil {
		return err
	}
	c, err := t.says("ana", hello.Number, "/member join")
	if err != nil {
		return err
	}
	t.expect(t.wears(c, "rocket"), "Agora answers with 🚀: ana is a member, and may vote in rounds that open a week from now or later")
	t.who("", "… eight days pass")
	return t.jump(t.ctx, 8*day)
}

func (t *story) open() error {
	t.scene("kim proposes something, as a pull request")
	var err error
	t.proposal, err = t.sim.As("kim").OpenPullRequest(repository, ghsim.NewPullRequest{
		Title: "Weighted quorum", Body: "Count reputation, not only heads, towards the quorum.\n\nSee `0001-weighted-quorum.md`.",
		Files: map[string]string{"0001-weighted-quorum.md": "# Weighted quorum\n"}})
	if err != nil {
		return err
	}
	t.who("kim", "opens pull request #%d “Weighted quorum”", t.proposal.Number)
	t.who("sam", "puts the label rfc on it")
	if err := t.sim.As("sam").AddLabels(repository, t.proposal.Number, "rfc"); err != nil {
		return err
	}
	if err := t.settle(t.ctx); err != nil {
		return err
	}
	sticky := t.comment(t.proposal.Number, "<!-- agora:rfc 1 -->")
	t.expect(sticky.ID != 0, "it is RFC-1 now, and Agora keeps one status comment on it:")
	t.show(sticky.Body, 6)
	t.expect(slices.Contains(t.sim.Labels(repository, t.proposal.Number), "rfc/open-for-comment"), "it wears the label rfc/open-for-comment")
	check := t.check(t.proposal.Number)
	t.expect(check.Status == "in_progress", "the required check agora/rfc waits: “%s”", check.Output.Title)
	return nil
}

func (t *story) discuss() error {
	t.scene("The discussion, and a concern")
	if _, err := t.says("lee", t.proposal.Number, "I like it. How do newcomers get weight?"); err != nil {
		return err
	}
	c, err := t.says("noor", t.proposal.Number, `/concern raise "small teams could never reach a quorum by weight"`)
	if err != nil {
		return err
	}
	t.expect(t.wears(c, "rocket"), "concern 1 is open: as long as it is, RFC-1 cannot be accepted")
	if _, err := t.says("kim", t.proposal.Number, `/concern address 1 "the quorum is a share of the electorate's own weight, see section 2"`); err != nil {
		return err
	}
	c, err = t.says("noor", t.proposal.Number, "/concern resolve 1")
	if err != nil {
		return err
	}
	t.expect(t.wears(c, "rocket"), "the one who raised it says it is resolved")
	return nil
}

func (t *story) vote() error {
	t.scene("Voting opens")
	c, err := t.says("zoe", t.proposal.Number, "/rfc vote")
	if err != nil {
		return err
	}
	t.expect(t.wears(c, "confused"), "zoe may not open a vote: 😕, and one reply that says who may:")
	t.show(t.comment(t.proposal.Number, "not carried out").Body, 3)
	if _, err := t.says("sam", t.proposal.Number, "/rfc vote"); err != nil {
		return err
	}
	t.ballot = t.comment(t.proposal.Number, "<!-- agora:ballot 1/1 -->")
	t.expect(t.ballot.ID != 0, "the electorate, its weights and the rules are frozen; the round's ballot:")
	t.show(t.ballot.Body, 8)

	t.scene("Votes over three channels")
	t.who("lee", "approves by the reaction 👍 on the ballot")
	t.who("noor", "approves by the reaction 👍 too")
	for _, login := range []string{"lee", "noor"} {
		if _, err := t.sim.As(login).React(repository, t.ballot.ID, "+1"); err != nil {
			return err
		}
	}
	t.who("maya", "approves by a review of the pull request")
	if _, err := t.sim.As("maya").Review(repository, t.proposal.Number, "APPROVE", "Well argued."); err != nil {
		return err
	}
	typo, err := t.says("ana", t.proposal.Number, `/vote aprove "simple enough"`)
	if err != nil {
		return err
	}
	t.expect(t.wears(typo, "confused"), "a mistyped command gets 😕 and the right form:")
	t.show(t.comment(t.proposal.Number, "did you mean").Body, 4)
	t.who("ana", "mends her comment: /vote abstain \"not my field\"")
	if err := t.sim.As("ana").EditComment(repository, typo.ID, `/vote abstain "not my field"`); err != nil {
		return err
	}
	if err := t.settle(t.ctx); err != nil {
		return err
	}
	t.expect(t.wears(typo, "rocket") && !t.wears(typo, "confused"), "now it counts, and the 😕 is gone")
	_, err = t.says("sam", t.proposal.Number, `/vote reject "I would rather wait a release"`)
	return err
}

func (t *story) count() error {
	t.scene("The tally, a day later")
	for _, passes := range []time.Duration{day, 3 * time.Hour} { // Agora reads the reactions, and shows them when edits are due
		if err := t.jump(t.ctx, passes); err != nil {
			return err
		}
	}
	sticky := t.comment(t.proposal.Number, "<!-- agora:rfc 1 -->")
	t.show(sticky.Body, 12)
	var seen struct {
		WouldPass bool `json:"would_pass"`
		Tally     map[string]struct {
			Weight string `json:"weight"`
			Voters int    `json:"voters"`
		} `json:"tally"`
	}
	if err := t.api("communities/acme/rfcs/1", &seen); err != nil {
		return err
	}
	t.expect(seen.Tally["approve"].Voters == 3 && seen.Tally["reject"].Voters == 1 && seen.Tally["abstain"].Voters == 1,
		"three for it, one against, one abstains; the API says the same")
	t.expect(seen.WouldPass && strings.Contains(sticky.Body, "Would pass now"), "with %s of weight for it and %s against, it would pass now",
		seen.Tally["approve"].Weight, seen.Tally["reject"].Weight)
	return nil
}

func (t *story) decide() error {
	t.scene("The deadline")
	board, err := t.ranks()
	if err != nil {
		return err
	}
	t.board = board
	t.who("", "… the rest of the week passes; Agora reads every ballot once more, and decides")
	if err := t.jump(t.ctx, 6*day+time.Minute); err != nil {
		return err
	}
	if err := t.jump(t.ctx, time.Minute); err != nil {
		return err
	}
	t.show(t.comment(t.proposal.Number, "<!-- agora:decision 1/1 -->").Body, 6)
	t.expect(slices.Contains(t.sim.Labels(repository, t.proposal.Number), "rfc/accepted"), "RFC-1 is accepted")
	check := t.check(t.proposal.Number)
	t.expect(check.Status == "completed" && check.Conclusion == "success", "the check agora/rfc turned green, for the very commit that was voted on")
	return nil
}

func (t *story) implement() error {
	t.scene("The pull request that implements it")
	var err error
	t.build, err = t.sim.As("lee").OpenPullRequest(repository, ghsim.NewPullRequest{
		Title: "Count weights", Body: "Implements: RFC-1", Files: map[string]string{"quorum.go": "package quorum\n"}})
	if err != nil {
		return err
	}
	t.who("lee", "opens pull request #%d, which says “Implements: RFC-1”", t.build.Number)
	if err := t.settle(t.ctx); err != nil {
		return err
	}
	check := t.check(t.build.Number)
	t.expect(check.Conclusion == "success", "its check is green, because RFC-1 is accepted")
	t.who("maya", "merges it")
	if err := t.sim.As("maya").Merge(repository, t.build.Number); err != nil {
		return err
	}
	if err := t.settle(t.ctx); err != nil {
		return err
	}
	t.expect(slices.Contains(t.sim.Labels(repository, t.proposal.Number), "rfc/implemented"), "and RFC-1 is implemented")
	return nil
}
