package config

import (
	"fmt"
	"slices"
	"strings"
)

// maxProblems bounds what one report shows: nobody reads more, and a hostile file must not fill a check run.
const maxProblems = 50

// Problem is one thing wrong in a configuration.
type Problem struct {
	// Line and Column count from 1; both are 0 for what stands in no file, such as an environment variable.
	Line, Column int
	// Key is the dotted path of the key, such as "rfc.types.standard.voting"; empty for the file as a whole.
	Key string
	// Message says what is wrong and how to write it right.
	Message string
}

// String is the problem on one line: `line 7: rfc.late_window: "2x" is not a duration: …`.
func (p Problem) String() string {
	var text strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&text, "line %d: ", p.Line)
	}
	if p.Key != "" {
		text.WriteString(p.Key + ": ")
	}
	text.WriteString(p.Message)
	return text.String()
}

// Problems is the error of a configuration that cannot be used: everything wrong in it at once, in the order of its lines.
type Problems struct {
	// File says which file it is, such as OwnerFile; it may be empty. What stands in the environment is not of the file.
	File string
	// List is never empty.
	List []Problem
	// More counts the problems beyond those listed.
	More int
}

// Error lists the problems, one a line.
func (p *Problems) Error() string {
	lines := make([]string, 0, len(p.List)+1)
	for _, problem := range p.List {
		line := problem.String()
		if p.File != "" && (problem.Line > 0 || problem.Key == "") {
			line = p.File + ": " + line
		}
		lines = append(lines, line)
	}
	if p.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more problems", p.More))
	}
	return strings.Join(lines, "\n")
}

// add notes a problem.
func (p *Problems) add(problem Problem) {
	if len(p.List) == maxProblems {
		p.More++
		return
	}
	p.List = append(p.List, problem)
}

// err is p as an error, nil when there is no problem.
func (p *Problems) err() error {
	if len(p.List) == 0 {
		return nil
	}
	slices.SortStableFunc(p.List, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return p
}
