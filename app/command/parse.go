package command

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Parse finds the lines of a comment that have the form of a command, in order. A command starts at the first column
// of a line of visible plain text (docs/commands.md), is written in ASCII letters, and ends with its line.
// Whether a noun is known and how many commands may run is the registry's matter: see Registry.Read.
//
// The Problem is about the comment as a whole (TooLong, TooComplex), and then there are no invocations. A comment
// without a line that starts like a command has neither.
func Parse(body string) ([]Invocation, *Problem) {
	if !mayHoldCommand(body) {
		return nil, nil
	}
	lines, err := visibleLines(body)
	switch {
	case errors.Is(err, errTooLong):
		return nil, &Problem{Code: TooLong, Reason: "The comment is longer than GitHub allows, so none of its commands is run."}
	case err != nil:
		return nil, &Problem{Code: TooComplex, Reason: "The comment's Markdown is nested or repeated too often to be read, so none of its commands is run. " +
			"Write the commands in a comment of their own."}
	}
	var invocations []Invocation
	for _, line := range lines {
		if invocation, ok := parseLine(line); ok {
			invocations = append(invocations, invocation)
		}
	}
	return invocations, nil
}

// mayHoldCommand reports whether any line starts with a slash and a letter: most comments are done with here.
func mayHoldCommand(body string) bool {
	for i := 0; i+1 < len(body); i++ {
		if body[i] == '/' && isLetter(body[i+1]) && (i == 0 || body[i-1] == '\n' || body[i-1] == '\r') {
			return true
		}
	}
	return false
}

// parseLine reads one line as a command.
func parseLine(line visibleLine) (Invocation, bool) {
	rest, isCommand := strings.CutPrefix(line.text, "/")
	if !isCommand || strings.HasPrefix(rest, " ") || strings.HasPrefix(rest, "\t") {
		return Invocation{}, false
	}
	noun, rest := cutWord(rest)
	verb, rest := cutWord(rest)
	if !isNoun(noun) || !isPrintableASCII(strings.Trim(verb, typographic)) {
		return Invocation{}, false
	}
	rest = strings.TrimSpace(clean(rest))
	invocation := Invocation{Noun: strings.ToLower(noun), Verb: strings.ToLower(verb), Line: line.number}
	invocation.Raw = strings.TrimSpace("/" + invocation.Noun + " " + invocation.Verb + " " + rest)
	invocation.Args, invocation.fault = parseArguments(rest)
	return invocation, true
}

// typographic are the quotes that a phone makes of others. A verb in them is none, which
// its author is told, as with others.
const typographic = "“”„‘’«»"

// cutWord returns the first word of a line, and what follows it. Only ASCII blanks end the words of a command.
func cutWord(line string) (word, rest string) {
	line = strings.TrimLeft(line, " \t")
	if end := strings.IndexAny(line, " \t"); end >= 0 {
		return line[:end], line[end:]
	}
	return line, ""
}

// parseArguments splits what follows the verb into words. The fault says, for people, what cannot be read.
func parseArguments(rest string) (arguments []Argument, fault string) {
	for {
		rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
		if rest == "" {
			return arguments, ""
		}
		argument, length := parseArgument(rest)
		if length == 0 {
			return arguments, "The quote that opens at " + quote(rest) + " is not closed: a command and its text stand on one line."
		}
		arguments = append(arguments, argument)
		rest = rest[length:]
	}
}

// parseArgument reads the first argument of a text and says how many bytes it took, 0 when its quote is not closed.
func parseArgument(rest string) (Argument, int) {
	key := optionKey(rest)
	start := 0
	if key != "" {
		start = len(key) + 1
	}
	value, length, quoted := cutQuoted(rest[start:])
	if quoted && length == 0 {
		return Argument{}, 0
	}
	if !quoted {
		length = strings.IndexFunc(rest[start:], unicode.IsSpace)
		if length < 0 {
			length = len(rest) - start
		}
		value = rest[start : start+length]
	}
	return Argument{Key: strings.ToLower(key), Value: value, Quoted: quoted, source: rest[:start+length]}, start + length
}

// optionKey returns the key of a text that starts with key=, else "".
func optionKey(text string) string {
	for i := range len(text) {
		switch c := text[i]; {
		case isLetter(c), i > 0 && (c == '_' || c == '-' || '0' <= c && c <= '9'):
		case i > 0 && c == '=':
			return text[:i]
		default:
			return ""
		}
	}
	return ""
}

// The marks that quote. Single quotes do not: they are apostrophes.
const (
	straightQuote = `"`
	curlyQuotes   = "“”„‟"
)

// cutQuoted reads a quoted text at the start of a line: its value without quotes and escapes, and the bytes it took.
// quoted says whether a quote opens there; one that is never closed took 0 bytes.
//
// A straight quote is closed by a straight one and a curly by a curly one; where its own kind does not follow, the other
// closes it, since keyboards mix them.
func cutQuoted(text string) (value string, length int, quoted bool) {
	opener, size := utf8.DecodeRuneInString(text)
	own, other := straightQuote, curlyQuotes
	switch {
	case strings.ContainsRune(curlyQuotes, opener):
		own, other = other, own
	case opener != '"':
		return "", 0, false
	}
	for _, closers := range []string{own, other} {
		if value, length, closed := scanQuoted(text[size:], closers); closed {
			return value, size + length, true
		}
	}
	return "", 0, true
}

// scanQuoted reads up to the first closer that no backslash escapes.
func scanQuoted(text, closers string) (value string, length int, closed bool) {
	var unescaped strings.Builder
	escaped := false
	for i, r := range text {
		switch {
		case escaped:
			if r != '\\' && !strings.ContainsRune(straightQuote+curlyQuotes, r) {
				unescaped.WriteByte('\\')
			}
			unescaped.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case strings.ContainsRune(closers, r):
			return unescaped.String(), i + utf8.RuneLen(r), true
		default:
			unescaped.WriteRune(r)
		}
	}
	return "", 0, false
}

// clean drops what a reader does not see from a line's arguments: control and format characters (bidirectional
// overrides, zero-width characters), and the NUL bytes that stand for hidden HTML.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf) {
			return -1
		}
		return r
	}, text)
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// isNoun reports whether a word is ASCII letters, with hyphens only inside.
func isNoun(word string) bool {
	if word == "" || !isLetter(word[0]) || !isLetter(word[len(word)-1]) {
		return false
	}
	for i := range len(word) {
		if !isLetter(word[i]) && word[i] != '-' {
			return false
		}
	}
	return true
}

func isPrintableASCII(word string) bool {
	for i := range len(word) {
		if word[i] <= ' ' || word[i] > '~' {
			return false
		}
	}
	return true
}
