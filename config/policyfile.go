package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// PolicyPath is where a repository keeps its policy, on its default branch; the owner's own stands at the same path
// in the owner's ".github" repository.
const PolicyPath = ".github/agora.yml"

// The names by which Problems.File tells the two files of ResolvePolicy apart.
const (
	OwnerFile      = "the owner's .github/agora.yml"
	RepositoryFile = ".github/agora.yml"
)

// ResolvePolicy is the policy of a repository: the defaults, overridden key by key by the owner's file, and that by the
// repository's, unless the owner's says "locked: true". Nil stands for a file that is not there; an empty file is a broken one.
// The error is a *Problems that names the file, the lines and the keys.
func ResolvePolicy(ownerFile, repositoryFile []byte) (Policy, error) {
	policy := DefaultPolicy()
	if ownerFile != nil {
		problems := &Problems{File: OwnerFile}
		policy = parsePolicy(ownerFile, policy, problems, true)
		if err := problems.err(); err != nil {
			return Policy{}, err
		}
	}
	if repositoryFile == nil || policy.Locked {
		return policy, nil
	}
	problems := &Problems{File: RepositoryFile}
	policy = parsePolicy(repositoryFile, policy, problems, false)
	if err := problems.err(); err != nil {
		return Policy{}, err
	}
	return policy, nil
}

// ParsePolicy reads a policy file over a base, which gives what the file leaves out; the base is not changed.
// It takes the keys of an owner's file, "locked" and "reputation" too. The error is a *Problems with everything wrong in the file.
func ParsePolicy(data []byte, base Policy) (Policy, error) {
	problems := &Problems{}
	policy := parsePolicy(data, base, problems, true)
	if err := problems.err(); err != nil {
		return Policy{}, err
	}
	return policy, nil
}

// parsePolicy reads data over base. Only an owner's file may hold what concerns the whole community.
func parsePolicy(data []byte, base Policy, problems *Problems, owner bool) Policy {
	policy := base.Clone()
	keys := policyKeys(&policy)
	if !owner {
		keys["locked"] = ownersOnly
		keys["reputation"] = ownersOnly
	}
	reader := &yamlReader{problems: problems}
	reader.read(data, keys, "version")
	return policy
}

func ownersOnly(r *yamlReader, key string, value ast.Node) {
	r.at(value, key, "concerns the whole community: it belongs into .github/agora.yml of the owner's .github repository")
}

// policyKeys describes .github/agora.yml.
func policyKeys(p *Policy) object {
	return object{
		"version":    version,
		"locked":     flag(&p.Locked),
		"rfc":        rfcKeys(p).field(),
		"stewards":   list(&p.Stewards, 100, steward),
		"announce":   object{"mention": list(&p.Announce.Mention, 20, steward)}.field(),
		"digest":     object{"repository": text(&p.Digest.Repository, repositoryName), "day": count(&p.Digest.Day, 1, 28)}.field(),
		"reputation": reputationKeys(&p.Reputation).field(),
	}
}

func rfcKeys(p *Policy) object {
	return object{
		"label":        text(&p.Label, labelName),
		"types":        typesKeys(p),
		"default_type": text(&p.DefaultType, ParseType),
		"electorate": object{
			"min_reputation":  count(&p.Electorate.MinReputation, 0, 100),
			"min_membership":  periodOrOff(&p.Electorate.MinMembership),
			"min_account_age": periodOrOff(&p.Electorate.MinAccountAge),
			"auto_register":   flag(&p.Electorate.AutoRegister),
			"regular_window":  period(&p.Electorate.RegularWindow),
		}.field(),
		"min_supporters":     count(&p.MinSupporters, 0, 1000),
		"author_share":       fraction(&p.AuthorShare, 1),
		"late_window":        periodOrOff(&p.LateWindow),
		"late_window_share":  fraction(&p.LateWindowShare, 1),
		"near_tie":           object{"points": fraction(&p.NearTie.Points, 1), "extension": periodOrOff(&p.NearTie.Extension)}.field(),
		"max_extension":      periodOrOff(&p.MaxExtension),
		"early_close":        flag(&p.EarlyClose),
		"early_close_notice": periodOrOff(&p.EarlyCloseNotice),
		"close_on_decision":  flag(&p.CloseOnDecision),
		"merge_on_accept":    text(&p.MergeOnAccept, mergeMethod),
		"concerns": object{
			"min_reason":   count(&p.Concerns.MinReason, 1, 10_000),
			"per_member":   count(&p.Concerns.PerMember, 0, 100),
			"closed_share": fraction(&p.Concerns.ClosedShare, 1),
			"lapse":        period(&p.Concerns.Lapse),
		}.field(),
		"postponed": object{"retries": count(&p.Postponed.Retries, 0, 10), "after": period(&p.Postponed.After)}.field(),
		"organisation": object{
			"warn":           fraction(&p.Organisation.Warn, 1),
			"confirm":        fraction(&p.Organisation.Confirm, 1),
			"confirm_within": period(&p.Organisation.ConfirmWithin),
		}.field(),
		"text_restarts": count(&p.TextRestarts, 0, 10),
	}
}

// typesKeys reads the rules of types, in both spellings; what a type leaves out stays as it is in the base.
func typesKeys(p *Policy) field {
	keys := object{}
	for _, t := range Types() {
		read := func(r *yamlReader, key string, value ast.Node) {
			rules := p.Types[t]
			typeKeys(&rules).read(r, key, value)
			p.Types[t] = rules
		}
		keys[string(t)] = read
		if hyphenated := strings.ReplaceAll(string(t), "_", "-"); hyphenated != string(t) {
			keys[hyphenated] = read
		}
	}
	return func(r *yamlReader, key string, value ast.Node) {
		seen := keys.read(r, key, value)
		for _, t := range Types() {
			hyphenated := strings.ReplaceAll(string(t), "_", "-")
			if hyphenated != string(t) && seen[string(t)] && seen[hyphenated] {
				r.at(value, join(key, string(t)), "the type is there twice, once with hyphens")
			}
		}
	}
}

func typeKeys(rules *TypeRules) object {
	return object{
		"discussion": period(&rules.Discussion),
		"voting":     period(&rules.Voting),
		"quorum": object{
			"floor":  count(&rules.Quorum.Floor, 0, 1_000_000),
			"root":   fraction(&rules.Quorum.Root, 1000),
			"weight": fraction(&rules.Quorum.Weight, 1),
		}.field(),
		"approval": approval(&rules.Approval),
	}
}

func reputationKeys(rep *Reputation) object {
	points := object{}
	for _, kind := range EntryKinds() {
		points[string(kind)] = func(r *yamlReader, key string, value ast.Node) {
			worth := rep.Points[kind]
			count(&worth, 0, 10_000)(r, key, value)
			rep.Points[kind] = worth
		}
	}
	signals := &rep.Signals
	return object{
		"points":                 points.field(),
		"half_life":              period(&rep.HalfLife),
		"negative_half_life":     period(&rep.NegativeHalfLife),
		"authority_per_day":      count(&rep.AuthorityPerDay, 0, 10_000),
		"signals_per_day":        count(&rep.SignalsPerDay, 0, 10_000),
		"signal_base":            count(&rep.SignalBase, 0, 10_000),
		"signal_share":           fraction(&rep.SignalShare, 1),
		"curve":                  count(&rep.Curve, 1, 1_000_000),
		"genesis_repository_age": periodOrOff(&rep.GenesisRepositoryAge),
		"signals": object{
			"factor_base":     fraction(&signals.FactorBase, 1),
			"factor_share":    fraction(&signals.FactorShare, 1),
			"min_account_age": periodOrOff(&signals.MinAccountAge),
			"min_membership":  periodOrOff(&signals.MinMembership),
			"min_reputation":  count(&signals.MinReputation, 0, 100),
			"repeat_window":   periodOrOff(&signals.RepeatWindow),
			"bursts": list(&signals.Bursts, 10, func(b *Burst) field {
				return object{"count": count(&b.Count, 2, 1000), "within": period(&b.Within)}.field()
			}),
			"mutual_max":            count(&signals.MutualMax, 0, 1000),
			"mutual_window":         periodOrOff(&signals.MutualWindow),
			"reactions_per_comment": count(&signals.ReactionsPerComment, 0, 1000),
			"reviews_per_day":       count(&signals.ReviewsPerDay, 0, 1000),
		}.field(),
	}
}

// version reads the version of the file's format: there is one so far.
func version(r *yamlReader, key string, value ast.Node) {
	if node, ok := value.(*ast.IntegerNode); !ok || node.GetToken().Value != "1" {
		r.at(value, key, "must be 1")
	}
}

func steward(s *Steward) field { return text(s, ParseSteward) }

// labelName checks the name of a label: GitHub's limits, and not one of those Agora moves itself.
func labelName(name string) (string, error) {
	switch {
	case strings.TrimSpace(name) == "" || name != strings.TrimSpace(name):
		return "", errors.New("must be the name of a label, without spaces around it")
	case utf8.RuneCountInString(name) > 50:
		return "", errors.New("is too long: GitHub's labels have at most 50 characters")
	case strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) || c == ',' }):
		return "", errors.New("holds a character that a label cannot have")
	case strings.HasPrefix(strings.ToLower(name), "rfc/"), strings.HasPrefix(strings.ToLower(name), TypeLabelPrefix):
		return "", fmt.Errorf("%s is one of Agora's own labels: choose another", quote(name))
	}
	return name, nil
}

var repositoryPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100}$`)

// repositoryName checks "owner/name".
func repositoryName(name string) (string, error) {
	if !repositoryPattern.MatchString(name) {
		return "", fmt.Errorf("%s is not a repository like acme/rfcs", quote(name))
	}
	return name, nil
}

// mergeMethod checks a merge method.
func mergeMethod(name string) (MergeMethod, error) {
	methods := []MergeMethod{MergeNone, MergeCommit, MergeSquash, MergeRebase}
	if !slices.Contains(methods, MergeMethod(name)) {
		return "", fmt.Errorf("%s is not a way to merge: use %s", quote(name), listed(methods))
	}
	return MergeMethod(name), nil
}
