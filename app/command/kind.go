package command

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agora-rfc/agora/config"
)

// Kind is what an argument may be: how it is named in usage and how it is read. A new kind is a new value.
type Kind struct {
	Name    string                    // what the argument is called in a complaint, such as "a duration like 3d"
	Parse   func(string) (any, error) // its typed value; the error is not shown, Name is
	Choices []string                  // the words allowed, when there are only so many

	text bool // free text: takes the unquoted rest of the line
}

// PullRef names a pull request or issue. Owner and Repository are empty for one of the repository the comment is in.
type PullRef struct {
	Owner, Repository string
	Number            int
}

// String writes the reference as GitHub does: #412 or o/r#412.
func (p PullRef) String() string {
	if p.Owner == "" {
		return fmt.Sprintf("#%d", p.Number)
	}
	return fmt.Sprintf("%s/%s#%d", p.Owner, p.Repository, p.Number)
}

// The kinds of arguments.
var (
	// Text is free text, in quotes; as the last argument it may go without them.
	Text = Kind{Name: "a text in quotes", text: true, Parse: parseText}
	// Word is any single word, for what only the command itself can judge.
	Word = Kind{Name: "a word", Parse: parseText}
	// Duration is a positive length of time such as 90s, 15m, 48h, 14d or 2w.
	Duration = Kind{Name: "a duration such as 90s, 15m, 48h, 14d or 2w", Parse: parseDuration}
	// Number is a positive whole number; a leading # is understood.
	Number = Kind{Name: "a number such as 1", Parse: func(word string) (any, error) { return parseNumber(strings.TrimPrefix(word, "#")) }}
	// Member is a GitHub login with or without its @.
	Member = Kind{Name: "a member such as @maya", Parse: parseMember}
	// RFC is an RFC's number, written RFC-12.
	RFC = Kind{Name: "an RFC such as RFC-12", Parse: parseRFC}
	// Pull is a pull request or issue, written #412 or owner/repository#412.
	Pull = Kind{Name: "a pull request such as #412 or owner/repository#412", Parse: parsePull}
)

// Choice is a kind that allows only the given words, in any case.
func Choice(words ...string) Kind {
	return Kind{
		Name:    "one of " + strings.Join(words, ", "),
		Choices: words,
		Parse: func(word string) (any, error) {
			if word = strings.ToLower(word); slices.Contains(words, word) {
				return word, nil
			}
			return nil, errForm
		},
	}
}

// errForm says that a word has not the form of its kind; the kind's Name says which that is.
var errForm = errors.New("the word has another form")

var (
	numberPattern = regexp.MustCompile(`^[1-9][0-9]{0,8}$`)
	// A login is letters, digits and hyphens, and, where a company manages its accounts, an underscore and its short code.
	memberPattern = regexp.MustCompile(`^@?([A-Za-z0-9](?:[A-Za-z0-9-]{0,38})(?:_[A-Za-z0-9]{1,20})?)$`)
	rfcPattern    = regexp.MustCompile(`^(?i:RFC-?)?([0-9]+)$`)
	pullPattern   = regexp.MustCompile(`^(?:([A-Za-z0-9][A-Za-z0-9_-]{0,63})/([A-Za-z0-9._-]{1,100}))?#([0-9]+)$`)
)

func parseText(text string) (any, error) {
	if text = strings.TrimSpace(text); text == "" {
		return nil, errForm
	}
	return text, nil
}

func parseDuration(word string) (any, error) {
	duration, err := config.ParseDuration(strings.ToLower(word))
	if err != nil || duration <= 0 {
		return nil, errForm
	}
	return duration.Std(), nil
}

func parseNumber(word string) (any, error) {
	if !numberPattern.MatchString(word) {
		return nil, errForm
	}
	return strconv.Atoi(word)
}

func parseMember(word string) (any, error) {
	match := memberPattern.FindStringSubmatch(word)
	if match == nil {
		return nil, errForm
	}
	return match[1], nil
}

// rfcNumber is a type of its own so that Command.RFC and Command.Number never take one for the other.
type rfcNumber int

func parseRFC(word string) (any, error) {
	match := rfcPattern.FindStringSubmatch(word)
	if match == nil {
		return nil, errForm
	}
	number, err := parseNumber(match[1])
	if err != nil {
		return nil, err
	}
	return rfcNumber(number.(int)), nil
}

func parsePull(word string) (any, error) {
	match := pullPattern.FindStringSubmatch(word)
	if match == nil {
		return nil, errForm
	}
	number, err := parseNumber(match[3])
	if err != nil {
		return nil, err
	}
	return PullRef{Owner: match[1], Repository: match[2], Number: number.(int)}, nil
}

// Typed access to what a command was given. Each returns the first argument of its kind, positional ones before
// options, and the zero value when there is none.

// Text returns the command's free text without its quotes. It is a person's text: escape it before showing it.
func (c Command) Text() string { return first[string](c, isText) }

// Duration returns the command's length of time.
func (c Command) Duration() time.Duration { return first[time.Duration](c, anyKind) }

// Number returns the command's number.
func (c Command) Number() int { return first[int](c, anyKind) }

// Member returns the login the command is about, as written but without its @.
func (c Command) Member() string { return first[string](c, isNamed(Member)) }

// RFC returns the number of the RFC the command names.
func (c Command) RFC() int { return int(first[rfcNumber](c, anyKind)) }

// Pull returns the pull request or issue the command names.
func (c Command) Pull() PullRef { return first[PullRef](c, anyKind) }

// Choice returns the word chosen among those a positional argument allows, in lower case.
func (c Command) Choice() string {
	return first[string](c, func(k Kind) bool { return len(k.Choices) > 0 })
}

// Argument returns a positional argument by its name in the definition, normalised by its kind; "" when it was not given.
func (c Command) Argument(name string) string {
	for _, value := range c.values {
		if !value.option && value.parameter.Name == name {
			return fmt.Sprint(value.parsed)
		}
	}
	return ""
}

// Option returns an option as its kind normalised it, and whether it was given.
func (c Command) Option(name string) (string, bool) {
	for _, value := range c.values {
		if value.option && value.parameter.Name == name {
			return fmt.Sprint(value.parsed), true
		}
	}
	return "", false
}

func first[T any](c Command, ofKind func(Kind) bool) T {
	for _, value := range c.values {
		if parsed, ok := value.parsed.(T); ok && ofKind(value.parameter.Kind) {
			return parsed
		}
	}
	var none T
	return none
}

func anyKind(Kind) bool     { return true }
func isText(kind Kind) bool { return kind.text }
func isNamed(kind Kind) func(Kind) bool {
	return func(k Kind) bool { return k.Name == kind.Name }
}
