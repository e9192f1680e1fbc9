package config

import (
	"fmt"
	"strconv"

	"github.com/goccy/go-yaml/ast"
)

// The readers of single values. Each sets its target only when the value is right.

// parsed reads text or a number as it is written in the file, then by parse, then by check.
func parsed[T any](target *T, what string, parse func(string) (T, error), check func(T) error) field {
	return func(r *yamlReader, key string, value ast.Node) {
		switch value.(type) {
		case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode:
		default:
			r.at(value, key, "must be "+what+", not "+describe(value))
			return
		}
		result, err := parse(value.GetToken().Value)
		if err == nil {
			err = check(result)
		}
		if err != nil {
			r.at(value, key, err.Error())
			return
		}
		*target = result
	}
}

// period reads a duration that must be positive.
func period(target *Duration) field {
	return parsed(target, "a duration like 14d", ParseDuration, positive)
}

// periodOrOff reads a duration, where 0 means off.
func periodOrOff(target *Duration) field {
	return parsed(target, "a duration like 48h, or 0", ParseDuration, func(Duration) error { return nil })
}

func positive(d Duration) error {
	if d <= 0 {
		return fmt.Errorf("must be longer than 0")
	}
	return nil
}

// fraction reads a fraction of at most limit.
func fraction(target *Fraction, limit int64) field {
	return parsed(target, "a fraction like 2/3 or 20%", ParseFraction, func(f Fraction) error {
		if f.CmpShare(limit, 1) < 0 {
			if limit == 1 {
				return fmt.Errorf("must be at most 100 %%, but %s is %s: write it like 2%% or 1/50", f, f.Percent())
			}
			return fmt.Errorf("must be at most %d, and is %s", limit, f)
		}
		return nil
	})
}

// approval reads an approval line between 0 and 1 that can be reached.
func approval(target *Threshold) field {
	return parsed(target, `a fraction like 2/3 or ">1/2"`, ParseThreshold, func(t Threshold) error {
		switch order := t.CmpShare(1, 1); {
		case t.IsZero() && !t.Strict:
			return fmt.Errorf("an approval of at least 0 is none: it must be more than 0")
		case order < 0, order == 0 && t.Strict:
			return fmt.Errorf("%s can never be reached: an approval is at most 100%%", t)
		}
		return nil
	})
}

// count reads a whole number between least and most.
func count(target *int, least, most int) field {
	return func(r *yamlReader, key string, value ast.Node) {
		if _, ok := value.(*ast.IntegerNode); !ok {
			what := describe(value)
			if _, broken := value.(*ast.FloatNode); broken && !r.confidential {
				what = shorten(value.GetToken().Value)
			}
			r.at(value, key, fmt.Sprintf("must be a whole number from %d to %d, not %s", least, most, what))
			return
		}
		n, err := strconv.Atoi(value.GetToken().Value)
		if err != nil || n < least || n > most {
			r.at(value, key, fmt.Sprintf("must be a whole number from %d to %d", least, most))
			return
		}
		*target = n
	}
}

// flag reads true or false.
func flag(target *bool) field {
	return func(r *yamlReader, key string, value ast.Node) {
		node, ok := value.(*ast.BoolNode)
		if !ok {
			r.at(value, key, "must be true or false, not "+describe(value))
			return
		}
		*target = node.Value
	}
}

// text reads text and lets check judge and convert it.
func text[T any](target *T, check func(string) (T, error)) field {
	return func(r *yamlReader, key string, value ast.Node) {
		node, ok := value.(*ast.StringNode)
		if !ok {
			r.at(value, key, "must be text, not "+describe(value))
			return
		}
		result, err := check(node.Value)
		if err != nil {
			r.at(value, key, err.Error())
			return
		}
		*target = result
	}
}

// list reads a list of at most the given length, each item by the field that item makes for its place.
// A list replaces the list that was there.
func list[T any](target *[]T, most int, item func(*T) field) field {
	return func(r *yamlReader, key string, value ast.Node) {
		sequence, ok := value.(*ast.SequenceNode)
		if !ok {
			r.at(value, key, "must be a list, not "+describe(value))
			return
		}
		if len(sequence.Values) > most {
			r.at(value, key, fmt.Sprintf("has %d items; at most %d are allowed", len(sequence.Values), most))
			return
		}
		before := len(r.problems.List)
		var items []T
		for i, node := range sequence.Values {
			var entry T
			item(&entry)(r, fmt.Sprintf("%s[%d]", key, i), node)
			items = append(items, entry)
		}
		if len(r.problems.List) == before {
			*target = items
		}
	}
}
