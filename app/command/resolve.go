package command

import (
	"fmt"
	"slices"
	"strings"
)

// Resolve checks an invocation against the registry. A noun that is not ours gives neither a command nor a problem
// (a Command without Definition): it belongs to somebody else.
//
// Where free text is the last argument, the quotes around it may be left out: the rest of the line, except for the
// command's own options, is the text. `/vote reject this is too early` says what it seems to say.
func (r *Registry) Resolve(invocation Invocation) (Command, *Problem) {
	if !r.Knows(invocation.Noun) {
		return Command{}, nil
	}
	definition := r.lookup(invocation.Noun, invocation.Verb)
	if definition == nil {
		return Command{}, r.unknownVerb(invocation)
	}
	resolution := resolution{command: Command{Definition: definition, Invocation: invocation}}
	if invocation.fault != "" {
		return Command{}, resolution.problem(UnclosedQuote, "%s", invocation.fault)
	}
	if problem := resolution.run(); problem != nil {
		return Command{}, problem
	}
	return resolution.command, nil
}

func (r *Registry) unknownVerb(invocation Invocation) *Problem {
	problem := &Problem{Code: UnknownVerb, Invocation: invocation}
	var verbs, words []string
	for _, definition := range r.verbs[invocation.Noun] {
		verbs = append(verbs, definition.Verb)
		words = append(words, definition.words()...)
	}
	if invocation.Verb == "" {
		problem.Code = MissingVerb
		problem.Reason = fmt.Sprintf("/%s needs to be told what to do: %s.", invocation.Noun, strings.Join(verbs, ", "))
	} else {
		problem.Reason = fmt.Sprintf("/%s has no %s. It has: %s.", invocation.Noun, quote(invocation.Verb), strings.Join(verbs, ", "))
	}
	if near := nearest(strings.Trim(invocation.Verb, typographic), words); near != "" {
		definition := r.lookup(invocation.Noun, near)
		problem.Usage, problem.Suggestion = definition.Usage(), definition.Name()
	} else {
		problem.Usage = "/agora help " + invocation.Noun
	}
	return problem
}

// resolution matches an invocation's arguments to its definition's parameters.
type resolution struct {
	command Command
	loose   []Argument // positional arguments that no parameter has taken yet
}

func (r *resolution) problem(code, format string, args ...any) *Problem {
	return &Problem{
		Code:       code,
		Reason:     fmt.Sprintf(format, args...),
		Usage:      r.command.Definition.Usage(),
		Invocation: r.command.Invocation,
	}
}

func (r *resolution) run() *Problem {
	if problem := r.takeOptions(); problem != nil {
		return problem
	}
	// Options are read first, since they stand anywhere; values are kept positional ones first.
	options := r.command.values
	r.command.values = nil
	for _, parameter := range r.command.Definition.Arguments {
		if problem := r.takeArgument(parameter); problem != nil {
			return problem
		}
	}
	if len(r.loose) > 0 {
		return r.problem(UnexpectedArgument, "%s does not know what to do with %s.", r.command.Definition.Name(), quote(r.loose[0].source))
	}
	r.command.values = append(r.command.values, options...)
	return nil
}

// takeOptions reads the options and leaves everything else loose. A word such as x=y is an ordinary word where the
// command takes free text and no options; else it is an option that the command must know.
func (r *resolution) takeOptions() *Problem {
	definition := r.command.Definition
	for _, argument := range r.command.Invocation.Args {
		i := slices.IndexFunc(definition.Options, func(p Parameter) bool { return argument.Key != "" && p.Name == argument.Key })
		switch {
		case i >= 0:
			if problem := r.take(definition.Options[i], argument.Value, true); problem != nil {
				return problem
			}
		case argument.Key == "" || r.takesText() && len(definition.Options) == 0:
			r.loose = append(r.loose, argument)
		default:
			return r.unknownOption(argument.Key)
		}
	}
	for _, parameter := range definition.Options {
		if _, given := r.command.Option(parameter.Name); !given && !parameter.Optional {
			return r.problem(MissingArgument, "%s needs %s=, %s.", definition.Name(), parameter.Name, parameter.Kind.Name)
		}
	}
	return nil
}

func (r *resolution) unknownOption(key string) *Problem {
	var keys []string
	for _, parameter := range r.command.Definition.Options {
		keys = append(keys, parameter.Name)
	}
	problem := r.problem(UnknownOption, "%s has no option %s.", r.command.Definition.Name(), quote(key+"="))
	if near := nearest(key, keys); near != "" {
		problem.Suggestion = r.command.Definition.Name() + " " + near + "=…"
	}
	return problem
}

// takesText reports whether the last argument of the command is free text.
func (r *resolution) takesText() bool {
	arguments := r.command.Definition.Arguments
	return len(arguments) > 0 && arguments[len(arguments)-1].Kind.text
}

func (r *resolution) takeArgument(parameter Parameter) *Problem {
	if len(r.loose) == 0 {
		if parameter.Optional {
			return nil
		}
		return r.problem(MissingArgument, "%s needs %s.", r.command.Definition.Name(), parameter.Kind.Name)
	}
	text := r.loose[0].Value
	if r.loose[0].Key != "" {
		text = r.loose[0].source
	}
	taken := 1
	if parameter.Kind.text && len(r.loose) > 1 && r.isLast(parameter) {
		words := make([]string, len(r.loose))
		for i, argument := range r.loose {
			words[i] = argument.source
		}
		text, taken = strings.Join(words, " "), len(r.loose)
	}
	r.loose = r.loose[taken:]
	return r.take(parameter, text, false)
}

func (r *resolution) isLast(parameter Parameter) bool {
	arguments := r.command.Definition.Arguments
	return parameter.Name == arguments[len(arguments)-1].Name
}

// take reads one word or text as a parameter's kind says.
func (r *resolution) take(parameter Parameter, word string, option bool) *Problem {
	if _, given := r.command.Option(parameter.Name); option && given {
		return r.problem(UnexpectedArgument, "%s takes %s= only once.", r.command.Definition.Name(), parameter.Name)
	}
	parsed, err := parameter.Kind.Parse(word)
	if err != nil && word == "" && parameter.Optional && !option {
		return nil // an empty text is no text
	}
	if err != nil {
		problem := r.problem(BadArgument, "%s is not %s.", quote(word), parameter.Kind.Name)
		if near := nearest(strings.ToLower(word), parameter.Kind.Choices); near != "" {
			problem.Suggestion = near
			if option {
				problem.Suggestion = parameter.Name + "=" + near
			}
		}
		return problem
	}
	r.command.values = append(r.command.values, value{parameter, option, parsed})
	return nil
}

// nearest returns the word that is at most two letters away from what was written and not wholly different, or "".
func nearest(written string, words []string) string {
	best, distance := "", 3
	for _, word := range words {
		if d := editDistance(written, word); d < distance && d < len(word) && d < len(written) {
			best, distance = word, d
		}
	}
	return best
}

// editDistance is the Levenshtein distance in bytes: how many letters to insert, drop or change. Words whose lengths
// are more than two apart, or that no registry would hold, are told apart without counting.
func editDistance(a, b string) int {
	const far = 1000
	if len(a)-len(b) > 2 || len(b)-len(a) > 2 || len(b) > 64 {
		return far
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitution := diagonal
			if a[i] != b[j] {
				substitution++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitution, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
