package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Definition is one command: everything that its parser, its help and its documentation say.
type Definition struct {
	Noun, Verb string
	Aliases    []string    // other words for the verb
	Arguments  []Parameter // positional, required ones first
	Options    []Parameter // key=value
	Summary    string      // what it does, one sentence without its full stop
	Who        string      // who may use it, to be read after "by", such as "the author, or a steward"
	Examples   []string    // whole command lines that Resolve accepts
}

// Parameter is one argument or option of a command.
type Parameter struct {
	Name     string // of an option, its key; of an argument, what Command.Argument knows it by
	Form     string // how usage shows the argument or the option's value: "why", N, @who, RFC-12
	Kind     Kind
	Optional bool
}

// Usage is the form of the command, such as `/rfc extend 3d "why"`; what may be left out stands in brackets.
func (d *Definition) Usage() string {
	usage := d.Name()
	for _, parameter := range d.Arguments {
		usage += " " + parameter.bracket(parameter.Form)
	}
	for _, parameter := range d.Options {
		usage += " " + parameter.bracket(parameter.Name+"="+parameter.Form)
	}
	return usage
}

// Name is the command without its arguments, such as "/rfc extend".
func (d *Definition) Name() string { return "/" + d.Noun + " " + d.Verb }

func (p Parameter) bracket(form string) string {
	if p.Optional {
		return "[" + form + "]"
	}
	return form
}

// Command is an invocation that the registry accepted: its verb is the definition's, its arguments are typed.
type Command struct {
	Definition *Definition
	Invocation Invocation
	values     []value
}

type value struct {
	parameter Parameter
	option    bool
	parsed    any
}

// Is reports whether this is the command of that noun and verb.
func (c Command) Is(noun, verb string) bool {
	return c.Definition != nil && c.Definition.Noun == noun && c.Definition.Verb == verb
}

// Registry holds the commands there are. It is filled at start and only read afterwards, by as many as like.
type Registry struct {
	nouns []string                 // in the order they were added
	verbs map[string][]*Definition // by noun, in the order they were added
}

// NewRegistry returns a registry of these commands; see Add for when it fails.
func NewRegistry(definitions ...Definition) (*Registry, error) {
	registry := &Registry{verbs: make(map[string][]*Definition)}
	return registry, registry.Add(definitions...)
}

// Add makes commands known. It fails when a noun, verb or alias could never be matched or is taken, or when a required
// argument follows an optional one.
func (r *Registry) Add(definitions ...Definition) error {
	for _, definition := range definitions {
		if err := r.check(&definition); err != nil {
			return fmt.Errorf("adding the command %s: %w", definition.Name(), err)
		}
		if r.verbs[definition.Noun] == nil {
			r.nouns = append(r.nouns, definition.Noun)
		}
		r.verbs[definition.Noun] = append(r.verbs[definition.Noun], &definition)
	}
	return nil
}

func (r *Registry) check(definition *Definition) error {
	if !isNoun(definition.Noun) || strings.ToLower(definition.Noun) != definition.Noun {
		return errors.New("its noun is not lower-case ASCII letters")
	}
	for _, word := range definition.words() {
		if word == "" || !isPrintableASCII(word) || strings.ToLower(word) != word {
			return fmt.Errorf("its verb %q is not lower-case ASCII", word)
		}
		if r.lookup(definition.Noun, word) != nil {
			return fmt.Errorf("%q is already taken", word)
		}
	}
	optional := false
	for _, parameter := range definition.Arguments {
		if optional && !parameter.Optional {
			return fmt.Errorf("the required %s follows an optional argument", parameter.Form)
		}
		optional = parameter.Optional
	}
	return nil
}

// words are the verb and its aliases.
func (d *Definition) words() []string { return append([]string{d.Verb}, d.Aliases...) }

func (r *Registry) lookup(noun, verb string) *Definition {
	for _, definition := range r.verbs[noun] {
		if slices.Contains(definition.words(), verb) {
			return definition
		}
	}
	return nil
}

// Definitions returns all commands in the order they were added, nouns together.
func (r *Registry) Definitions() []*Definition {
	var all []*Definition
	for _, noun := range r.nouns {
		all = append(all, r.verbs[noun]...)
	}
	return all
}

// Knows reports whether a noun is one of ours.
func (r *Registry) Knows(noun string) bool { return r.verbs[noun] != nil }

// Result is what became of one line of a comment: a Command, or the Problem with it.
type Result struct {
	Command Command
	Problem *Problem
}

// Read parses a comment and resolves its commands, in order. Lines whose noun is not ours are left out: other bots
// share the slash. After MaxCommands commands one TooMany problem stands for all the rest. A comment that cannot be read
// as a whole gives the single Problem that says so.
func (r *Registry) Read(body string) []Result {
	invocations, problem := Parse(body)
	if problem != nil {
		return []Result{{Problem: problem}}
	}
	return r.ResolveAll(invocations)
}

// ResolveAll resolves invocations as Read does those of a comment: under the same limit and the same silence.
func (r *Registry) ResolveAll(invocations []Invocation) []Result {
	var results []Result
	for _, invocation := range invocations {
		if !r.Knows(invocation.Noun) {
			continue
		}
		if len(results) == MaxCommands {
			return append(results, Result{Problem: &Problem{
				Code:       TooMany,
				Reason:     fmt.Sprintf("A comment runs at most %d commands; those from line %d on are not run.", MaxCommands, invocation.Line),
				Invocation: invocation,
			}})
		}
		command, problem := r.Resolve(invocation)
		results = append(results, Result{Command: command, Problem: problem})
	}
	return results
}

// voteNoun is the noun whose verbs are the choices of a ballot.
const voteNoun = "vote"

// Contradicts reports whether commands of one comment vote in two different ways, taking a vote back being one of them.
// Such a comment counts none of its votes (docs/commands.md).
func Contradicts(commands []Command) bool {
	choice := ""
	for _, command := range commands {
		if command.Definition == nil || command.Definition.Noun != voteNoun {
			continue
		}
		if choice != "" && choice != command.Definition.Verb {
			return true
		}
		choice = command.Definition.Verb
	}
	return false
}
