package command

import "github.com/agora-rfc/agora/config"

// Default returns the registry of every command Agora has; docs/commands.md is made from it.
func Default() *Registry {
	registry, err := NewRegistry(definitions...)
	if err != nil {
		panic(err) // the table below contradicts itself; any test finds it
	}
	return registry
}

// Parameters that several commands share.
var (
	why         = Parameter{Name: "reason", Form: `"why"`, Kind: Text}
	optionalWhy = Parameter{Name: "reason", Form: `"why"`, Kind: Text, Optional: true}
	voteReason  = Parameter{Name: "reason", Form: `"reason"`, Kind: Text, Optional: true}
	concern     = Parameter{Name: "concern", Form: "N", Kind: Number}
	who         = Parameter{Name: "member", Form: "@who", Kind: Member, Optional: true}
	whom        = Parameter{Name: "member", Form: "@who", Kind: Member}
)

// Who may use several commands.
const (
	anybody         = "anybody"
	authorOrSteward = "the author, or a steward"
	steward         = "a steward"
	ofTheCommunity  = "a steward of the community: an owner of the organisation, or named in the owner's own configuration"
	voters          = "a member; it counts when they are in the round's electorate, and is shown as advisory when not"
)

var definitions = []Definition{
	{
		Noun: "agora", Verb: "help", Who: anybody,
		Arguments: []Parameter{{Name: "noun", Form: "noun", Kind: Word, Optional: true}},
		Summary:   "Explains the commands, or those of one noun",
		Examples:  []string{"/agora help", "/agora help vote"},
	},
	{
		Noun: "agora", Verb: "version", Who: anybody,
		Summary:  "Says which version of Agora answers",
		Examples: []string{"/agora version"},
	},

	{
		Noun: "rfc", Verb: "draft", Who: authorOrSteward,
		Summary:  "Makes this issue or pull request a draft RFC",
		Examples: []string{"/rfc draft"},
	},
	{
		Noun: "rfc", Verb: "open", Who: authorOrSteward + "; after requested changes by the author alone",
		Summary:  "Opens the RFC for comment and gives it its number; after requested changes, opens a fresh discussion",
		Examples: []string{"/rfc open"},
	},
	{
		Noun: "rfc", Verb: "vote", Who: "a steward at any time, or the author after half of the discussion period",
		Summary:  "Opens the voting and freezes its electorate and rules",
		Examples: []string{"/rfc vote"},
	},
	{
		Noun: "rfc", Verb: "extend", Who: steward,
		Arguments: []Parameter{{Name: "duration", Form: "3d", Kind: Duration}, why},
		Summary:   "Moves the deadline of the voting; all extensions of a round together have a limit",
		Examples:  []string{`/rfc extend 3d "a public holiday falls into the last two days"`},
	},
	{
		Noun: "rfc", Verb: "editorial", Who: steward,
		Arguments: []Parameter{why},
		Summary:   "Declares a change of the text editorial, so that the ballots stand for the new text",
		Examples:  []string{`/rfc editorial "only a broken link was mended"`},
	},
	{
		Noun: "rfc", Verb: "restart", Who: "a steward, or the author in the first half of the voting",
		Arguments: []Parameter{why},
		Summary:   "Starts a fresh round of voting with a fresh electorate; earlier ballots no longer count",
		Examples:  []string{`/rfc restart "the second section is new"`},
	},
	{
		Noun: "rfc", Verb: "confirm", Who: "two stewards, or the only one there is",
		Summary:  "Confirms a result that one organisation carries",
		Examples: []string{"/rfc confirm"},
	},
	{
		Noun: "rfc", Verb: "withdraw", Who: authorOrSteward,
		Arguments: []Parameter{optionalWhy},
		Summary:   "Takes the RFC out of the process before a decision",
		Examples:  []string{"/rfc withdraw", `/rfc withdraw "merged into RFC-12"`},
	},
	{
		Noun: "rfc", Verb: "supersede", Who: authorOrSteward,
		Options:  []Parameter{{Name: "by", Form: "RFC-12", Kind: RFC}},
		Summary:  "Marks an accepted RFC as superseded by another",
		Examples: []string{"/rfc supersede by=RFC-12"},
	},
	{
		Noun: "rfc", Verb: "implement", Who: authorOrSteward,
		Options:  []Parameter{{Name: "by", Form: "#412", Kind: Pull}},
		Summary:  "Marks an accepted RFC as implemented by a merged pull request",
		Examples: []string{"/rfc implement by=#412", "/rfc implement by=acme/server#412"},
	},
	{
		Noun: "rfc", Verb: "reopen", Who: steward,
		Arguments: []Parameter{why},
		Summary:   "Brings a rejected, postponed or withdrawn RFC back as a draft under its number",
		Examples:  []string{`/rfc reopen "the blocking dependency is gone"`},
	},
	{
		Noun: "rfc", Verb: "unlink", Who: steward,
		Arguments: []Parameter{why},
		Summary:   "Frees this pull request from the RFCs it said it implements",
		Examples:  []string{`/rfc unlink "it turned out to be a plain fix"`},
	},
	{
		Noun: "rfc", Verb: "status", Who: anybody,
		Summary:  "Counts again now and brings the status comment up to date",
		Examples: []string{"/rfc status"},
	},
	{
		Noun: "rfc", Verb: "list", Who: anybody,
		Options: []Parameter{{Name: "state", Form: "voting", Optional: true, Kind: Choice("draft", "open", "voting", "accepted", "implemented",
			"rejected", "postponed", "changes-requested", "withdrawn", "superseded")}},
		Summary:  "Lists the community's RFCs that everybody sees, and this repository's: all or those in one state",
		Examples: []string{"/rfc list", "/rfc list state=voting"},
	},

	{
		Noun: "vote", Verb: "approve", Aliases: []string{"yes", "+1", "y"}, Who: voters,
		Arguments: []Parameter{voteReason},
		Summary:   "Votes for the RFC",
		Examples:  []string{"/vote approve", `/vote +1 "solves what we were stuck on"`},
	},
	{
		Noun: "vote", Verb: "reject", Aliases: []string{"no", "-1", "n"}, Who: voters,
		Arguments: []Parameter{voteReason},
		Summary:   "Votes against the RFC",
		Examples:  []string{"/vote reject", `/vote no "too early"`},
	},
	{
		Noun: "vote", Verb: "request-changes", Aliases: []string{"changes"}, Who: voters,
		Arguments: []Parameter{voteReason},
		Summary:   "Votes against the RFC as it stands; with a reason of 20 characters or more (by default) it opens a concern, which blocks acceptance while open",
		Examples:  []string{`/vote request-changes "the migration path for old clients is missing"`},
	},
	{
		Noun: "vote", Verb: "abstain", Aliases: []string{"a"}, Who: voters,
		Arguments: []Parameter{voteReason},
		Summary:   "Takes part without a side: counts for the quorum only",
		Examples:  []string{"/vote abstain", `/vote a "I work for the vendor"`},
	},
	{
		Noun: "vote", Verb: "retract", Who: "whoever voted",
		Arguments: []Parameter{voteReason},
		Summary:   "Takes your vote back, over all channels, until you vote again",
		Examples:  []string{"/vote retract"},
	},

	{
		Noun: "concern", Verb: "raise", Who: "a member; while voting, of the round's electorate and before its last quarter; by default two at most on an RFC",
		Arguments: []Parameter{{Name: "text", Form: `"text"`, Kind: Text}},
		Summary:   "Opens a numbered concern, which blocks acceptance while open",
		Examples:  []string{`/concern raise "nobody has measured the cost for large repositories"`},
	},
	{
		Noun: "concern", Verb: "address", Who: "the author, or a steward where the author is a bot",
		Arguments: []Parameter{concern, {Name: "how", Form: `"how"`, Kind: Text}},
		Summary:   "Says how the text answers a concern; its raiser resolves it, or it lapses after seven silent days (by default)",
		Examples:  []string{`/concern address 1 "the new section 4 has the figures"`},
	},
	{
		Noun: "concern", Verb: "resolve", Who: "whoever raised it",
		Arguments: []Parameter{concern},
		Summary:   "Closes your concern as resolved",
		Examples:  []string{"/concern resolve 1"},
	},
	{
		Noun: "concern", Verb: "overrule", Who: "two stewards, or the only one there is",
		Arguments: []Parameter{concern, why},
		Summary:   "Closes a concern against its raiser's will, with a reason of each steward",
		Examples:  []string{`/concern overrule 1 "answered three times, nothing new since"`},
	},
	{
		Noun: "concern", Verb: "uphold", Who: steward,
		Arguments: []Parameter{concern},
		Summary:   "Marks a settled concern as one that made the RFC better: its raiser gains reputation",
		Examples:  []string{"/concern uphold 1"},
	},
	{
		Noun: "concern", Verb: "frivolous", Who: steward,
		Arguments: []Parameter{concern},
		Summary:   "Marks a settled concern as frivolous: its raiser loses reputation",
		Examples:  []string{"/concern frivolous 1"},
	},

	{
		Noun: "member", Verb: "join", Who: "anybody but bots",
		Summary:  "Makes you a member of this community",
		Examples: []string{"/member join"},
	},
	{
		Noun: "member", Verb: "leave", Who: "a member",
		Summary:  "Ends your membership and erases your personal data; what the ledger says stays under your numeric id",
		Examples: []string{"/member leave"},
	},
	{
		Noun: "member", Verb: "show", Who: anybody,
		Arguments: []Parameter{who},
		Summary:   "Shows a member, or you",
		Examples:  []string{"/member show", "/member show @maya"},
	},
	{
		Noun: "member", Verb: "reputation", Who: anybody,
		Arguments: []Parameter{who},
		Summary:   "Shows the receipt of a member's reputation, or yours: every term, its age, what it decays to, and the weight",
		Examples:  []string{"/member reputation", "/member reputation @maya"},
	},
	{
		Noun: "member", Verb: "endorse", Who: "a member",
		Arguments: []Parameter{whom, {Name: "for", Form: `"for"`, Kind: Text}},
		Summary:   "Endorses another member for something they did; it counts the more, the more reputation you have",
		Examples:  []string{`/member endorse @maya "took a week to review the migration"`},
	},
	{
		Noun: "member", Verb: "certify", Who: ofTheCommunity,
		Arguments: []Parameter{whom, {Name: "level", Form: "LEVEL", Kind: Choice(config.LevelNames()...)}, {Name: "notes", Form: `"notes"`, Kind: Text, Optional: true}},
		Options:   []Parameter{{Name: "score", Form: "82", Kind: Number}},
		Summary:   "Records an exam for the next level; one that reaches the pass mark brings the level",
		Examples:  []string{"/member certify @maya foundation score=82", `/member certify @maya practitioner score=91 "by video, with lee"`},
	},
	{
		Noun: "member", Verb: "role", Who: ofTheCommunity,
		Arguments: []Parameter{whom, {Name: "role", Form: "ROLE", Kind: Choice("member", "moderator", "steward")}},
		Summary:   "Records a member's role; what somebody may do still rests on GitHub's permissions and on the stewards of the configuration",
		Examples:  []string{"/member role @maya moderator"},
	},
	{
		Noun: "member", Verb: "hold", Who: ofTheCommunity,
		Arguments: []Parameter{whom, why},
		Summary:   "Holds a member: no vote of theirs counts, in open rounds either, and no leaderboard lists them",
		Examples:  []string{`/member hold @rob "the account seems taken over"`},
	},
	{
		Noun: "member", Verb: "release", Who: ofTheCommunity,
		Arguments: []Parameter{whom, why},
		Summary:   "Ends a hold; ballots that it voided stay void",
		Examples:  []string{`/member release @rob "it is Rob's again"`},
	},
	{
		Noun: "member", Verb: "penalise", Who: ofTheCommunity,
		Arguments: []Parameter{whom, {Name: "offence", Form: "spam|abuse|fraud", Kind: Choice("spam", "abuse", "fraud")}, why},
		Summary:   "Takes reputation for spam that was removed, or for abuse or fraud that was upheld; fraud voids every signal the member gave or got as well",
		Examples:  []string{`/member penalise @rob spam "the same advertisement on nine RFCs"`},
	},
	{
		Noun: "member", Verb: "void", Who: ofTheCommunity,
		Arguments: []Parameter{{Name: "entry", Form: "ENTRY", Kind: Number}, why},
		Summary:   "Voids an entry of the reputation ledger by the number its receipt shows, as if it had never been; voiding a void brings it back",
		Examples:  []string{`/member void 4711 "the pull request was reverted"`},
	},
	{
		Noun: "member", Verb: "inbox", Who: "a member",
		Arguments: []Parameter{{Name: "read", Form: "read", Optional: true, Kind: Choice("read")}},
		Summary:   "Shows your new notifications, or marks as read those that it shows here",
		Examples:  []string{"/member inbox", "/member inbox read"},
	},
	{
		Noun: "member", Verb: "notify", Who: "a member",
		Options: []Parameter{
			{Name: "email", Form: "off|digest|each", Optional: true, Kind: Choice("off", "digest", "each")},
			{Name: "mentions", Form: "off|on", Optional: true, Kind: Choice("off", "on")},
			{Name: "leaderboard", Form: "off|on", Optional: true, Kind: Choice("off", "on")},
		},
		Summary:  "Says whether you hear by e-mail, once a day or each time, at the address that your GitHub profile shows; whether ballots may mention you; and whether leaderboards list you",
		Examples: []string{"/member notify", "/member notify email=digest", "/member notify email=off mentions=off leaderboard=off"},
	},

	{
		Noun: "community", Verb: "stats", Who: anybody,
		Summary:  "Shows how the community is doing: its members, what they did, its RFCs, the engagement score with its parts, and who stayed of those who joined",
		Examples: []string{"/community stats"},
	},
	{
		Noun: "community", Verb: "leaderboard", Who: anybody,
		Options:  []Parameter{{Name: "days", Form: "90", Kind: Number, Optional: true}},
		Summary:  "Shows who earned most in the last 90 days, or in as many as you say, up to 365",
		Examples: []string{"/community leaderboard", "/community leaderboard days=30"},
	},
}
