package command

import (
	"fmt"
	"strings"
)

// Help is the answer to `/agora help [noun]`, in Markdown: all commands at a glance, or everything about one noun's.
// A noun that is not ours gets the overview. Nothing of the asker's text is in it.
func (r *Registry) Help(noun string) string {
	noun = topic(noun)
	if r.Knows(noun) {
		return r.nounHelp(noun)
	}
	var help strings.Builder
	help.WriteString("A command stands at the very start of a line, in ordinary text; a comment runs up to ")
	fmt.Fprintf(&help, "%d of them, in order. `/agora help <noun>` says more about each.\n\n| Noun | Commands |\n|:--|:--|\n", MaxCommands)
	for _, noun := range r.nouns {
		var verbs []string
		for _, definition := range r.verbs[noun] {
			verbs = append(verbs, "`"+definition.Verb+"`")
		}
		fmt.Fprintf(&help, "| `/%s` | %s |\n", noun, strings.Join(verbs, " · "))
	}
	return help.String()
}

// topic is the noun that somebody asks about, with or without its slash.
func topic(noun string) string {
	return strings.ToLower(strings.TrimPrefix(strings.TrimSpace(noun), "/"))
}

func (r *Registry) nounHelp(noun string) string {
	var help strings.Builder
	for i, definition := range r.verbs[noun] {
		if i > 0 {
			help.WriteString("\n")
		}
		fmt.Fprintf(&help, "**`%s`**\n", definition.Usage())
		fmt.Fprintf(&help, "%s. _By %s._\n", definition.Summary, definition.Who)
		if len(definition.Aliases) > 0 {
			fmt.Fprintf(&help, "Also `%s`.\n", strings.Join(definition.Aliases, "`, `"))
		}
		if form, differs := definition.example(); differs {
			fmt.Fprintf(&help, "For example `%s`\n", form)
		}
	}
	return help.String()
}

// example is the fullest example and whether it says more than the usage does.
func (d *Definition) example() (string, bool) {
	if len(d.Examples) == 0 {
		return "", false
	}
	last := d.Examples[len(d.Examples)-1]
	return last, last != d.Usage()
}

// Docs is the reference of all commands, in Markdown: docs/commands.md is made from it.
func (r *Registry) Docs() string {
	var docs strings.Builder
	fmt.Fprintf(&docs, `# Commands

<!-- Made from the registry in app/command; change it there. -->

A command is one line of a comment on an issue or pull request:

    /<noun> <verb> [target] ["text"] [key=value …]

* It starts at the first column of a line of ordinary text. In code, quotes, tables, link texts, HTML comments,
  and inside HTML elements that quote, hide or dress up text, nothing is a command.
* Noun and verb are ASCII letters in any case. Straight and curly double quotes both quote; %s inside quotes is a quote.
  Where a text is the last thing a command takes, the quotes may be left out: the rest of the line is the text.
* A command and its text stand on one line.
* A comment runs up to %d commands in order, each on its own. One that votes in two different ways counts none of its votes.
* Editing a comment runs only commands that are new or that failed before, and only if its author edits it. Other words in the text of one that was carried out make it no new one.
* What Agora did gets 🚀; what it did not do gets 😕 and a reply that says why.

`, "`\\\"`", MaxCommands)
	for _, noun := range r.nouns {
		fmt.Fprintf(&docs, "## /%s\n\n", noun)
		for _, definition := range r.verbs[noun] {
			definition.document(&docs)
		}
	}
	return strings.TrimRight(docs.String(), "\n") + "\n"
}

func (d *Definition) document(docs *strings.Builder) {
	fmt.Fprintf(docs, "### `%s`\n\n%s. By %s.\n\n", d.Usage(), d.Summary, d.Who)
	if len(d.Aliases) > 0 {
		fmt.Fprintf(docs, "Other words for it: `%s`.\n\n", strings.Join(d.Aliases, "`, `"))
	}
	for _, parameter := range append(append([]Parameter{}, d.Arguments...), d.Options...) {
		if !parameter.Kind.text && parameter.Kind.Name != Word.Name {
			fmt.Fprintf(docs, "`%s` is %s.\n\n", parameter.Form, parameter.Kind.Name)
		}
	}
	if len(d.Examples) > 0 {
		fmt.Fprintf(docs, "```text\n%s\n```\n\n", strings.Join(d.Examples, "\n"))
	}
}
