// Package command is the slash-command grammar: it finds the commands in the visible text of a GitHub comment, checks
// them against one registry, and makes help, documentation and "did you mean" from that same registry.
//
// Three steps, each usable alone: Parse finds lines that look like commands, Registry.Resolve checks one of them, and
// Registry.Read does both for a whole comment under its limits. Nothing here runs a command or knows who wrote it.
//
// Commands are found in a Markdown tree (goldmark), not by a pattern over the raw text. The command line itself is so
// small a language (words, quoted words, key=value) that no parser library makes it shorter; the same holds for the
// spelling distance behind "did you mean", which only ever compares a few words of ASCII letters.
package command

import "fmt"

// MaxCommands is how many commands of one comment run (docs/commands.md).
const MaxCommands = 10

// MaxBody is the longest text that is read, in characters. GitHub allows 65,536 in a comment; the slack is for line
// ends counted differently. A longer text is refused whole: what a cut would make of its Markdown is anybody's guess.
const MaxBody = 66_000

// Invocation is one line of a comment that has the form of a command. Whether it is one, the registry says.
type Invocation struct {
	Noun string     // what stands after the slash, in lower case; ASCII letters and inner hyphens
	Verb string     // the word after it, in lower case, printable ASCII; empty when the line ends there
	Args []Argument // everything after the verb, in the order written
	Raw  string     // the line, normalised; equal texts mean equal commands
	Line int        // line number in the comment, from 1

	fault string // what is wrong with the line itself, for people; empty when it can be read
}

// Argument is one word after the verb: positional, or an option when Key is not empty.
type Argument struct {
	Key    string // of key=value, in lower case; empty for a positional argument
	Value  string // without its quotes and their escapes
	Quoted bool   // the value stood in quotes
	source string // the word as written
}

// Problem codes: what kind of mistake a Problem is. They are stable and may be stored.
const (
	TooLong            = "too-long"            // the comment is longer than MaxBody
	TooComplex         = "too-complex"         // its Markdown is nested or repeated beyond any honest use
	TooMany            = "too-many"            // more than MaxCommands commands in a comment
	MissingVerb        = "missing-verb"        // "/vote" and nothing else
	UnknownVerb        = "unknown-verb"        // "/vote aprove"
	UnclosedQuote      = "unclosed-quote"      // a quote is opened and not closed on its line
	MissingArgument    = "missing-argument"    // a required argument or option is not there
	BadArgument        = "bad-argument"        // an argument or option has the wrong form
	UnexpectedArgument = "unexpected-argument" // more arguments than the command takes, or an option twice
	UnknownOption      = "unknown-option"      // key=value with a key that the command does not have
)

// Problem says why a command is not run, in words for the one who wrote it. Reason is plain text and may quote the
// comment: escape it before showing it. Usage and Suggestion come from the registry alone.
type Problem struct {
	Code       string
	Reason     string // one sentence
	Usage      string // the right form, such as `/vote approve ["reason"]`; empty when no one form is right
	Suggestion string // what was probably meant, such as "/vote approve"; empty when nothing is near
	Invocation Invocation
}

// Error gives the reason, so that a Problem can travel as an error.
func (p *Problem) Error() string { return p.Reason }

// quote shows a word of the comment inside a sentence, cut to a length that keeps the sentence readable.
func quote(word string) string {
	const longest = 40
	if runes := []rune(word); len(runes) > longest {
		word = string(runes[:longest]) + "…"
	}
	return fmt.Sprintf("“%s”", word)
}
