package client

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gorun/supervisor/spec"
	"gorun/supervisor/status"
)

// UnknownTargetError says that a word selects nothing.
type UnknownTargetError struct {
	Word  string
	Names []string // of the apps or workers there are, sorted
	Near  string   // the most similar name, "" without one
}

// Error lists the names.
func (e *UnknownTargetError) Error() string {
	there := "there are none"
	if len(e.Names) > 0 {
		there = "there are: " + strings.Join(e.Names, ", ")
	}
	text := fmt.Sprintf("no app, namespace or id %q; %s", e.Word, there)
	if e.Near != "" {
		text += fmt.Sprintf("; did you mean %s?", e.Near)
	}
	return text
}

// SelectorError says that the words of a command cannot be read.
type SelectorError struct{ err error }

// Error says what is wrong with them.
func (e *SelectorError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *SelectorError) Unwrap() error { return e.err }

// Resolve finds the targets that words select: all, the name of an app,
// a namespace, the id of a worker, app/instance, or a /regex/ over names. An
// app's name comes first, whatever it looks like. No target is named twice.
func Resolve(words []string, apps []status.App) ([]status.Target, error) {
	if len(words) == 0 {
		return nil, &SelectorError{errors.New("name a target: an app, a namespace, an id, app/instance, /regex/ or all")}
	}
	var found []status.Target
	for _, word := range words {
		targets, err := resolveWord(word, apps)
		if err != nil {
			return nil, err
		}
		found = append(found, targets...)
	}
	return merge(found), nil
}

func resolveWord(word string, apps []status.App) ([]status.Target, error) {
	finders := [...]func(string, []status.App) ([]status.Target, error){
		everything, byName, byNamespace, byID, byInstance, byPattern,
	}
	for _, find := range finders {
		targets, err := find(word, apps)
		if err != nil || len(targets) > 0 {
			return targets, err
		}
	}
	return nil, unknown(word, apps)
}

func everything(word string, apps []status.App) ([]status.Target, error) {
	return where(apps, func(status.App) bool { return word == "all" }), nil
}

func byName(word string, apps []status.App) ([]status.Target, error) {
	return where(apps, func(a status.App) bool { return a.Name == word }), nil
}

func byNamespace(word string, apps []status.App) ([]status.Target, error) {
	return where(apps, func(a status.App) bool { return a.Namespace == word }), nil
}

func byID(word string, apps []status.App) ([]status.Target, error) {
	id, ok := number(word)
	return workers(apps, func(w status.Worker) bool { return ok && w.ID == id }), nil
}

// byInstance finds api/2, as gorun's log names a worker.
func byInstance(word string, apps []status.App) ([]status.Target, error) {
	slash := strings.LastIndexByte(word, '/')
	if slash < 0 {
		return nil, nil
	}
	name := word[:slash]
	i := slices.IndexFunc(apps, func(a status.App) bool { return a.Name == name })
	instance, ok := number(word[slash+1:])
	if i < 0 || !ok {
		return nil, nil
	}
	one := apps[i : i+1]
	found := workers(one, func(w status.Worker) bool { return w.Instance == instance })
	if len(found) == 0 {
		return nil, &UnknownTargetError{Word: word, Names: instances(one[0])}
	}
	return found, nil
}

func byPattern(word string, apps []status.App) ([]status.Target, error) {
	if len(word) < 3 || word[0] != '/' || word[len(word)-1] != '/' {
		return nil, nil
	}
	pattern, err := regexp.Compile(word[1 : len(word)-1])
	if err != nil {
		return nil, &SelectorError{fmt.Errorf("read the pattern %s: %w", word, err)}
	}
	return where(apps, func(a status.App) bool { return pattern.MatchString(a.Name) }), nil
}

func where(apps []status.App, wanted func(status.App) bool) []status.Target {
	var found []status.Target
	for _, a := range apps {
		if wanted(a) {
			found = append(found, status.Target{App: a.Name, Instance: status.EveryWorker})
		}
	}
	return found
}

func workers(apps []status.App, wanted func(status.Worker) bool) []status.Target {
	var found []status.Target
	for _, a := range apps {
		for _, w := range a.Workers {
			if wanted(w) {
				found = append(found, status.Target{App: a.Name, Instance: w.Instance})
			}
		}
	}
	return found
}

// number reads plain digits: neither +3 nor 03 is an id.
func number(word string) (int, bool) {
	n, err := strconv.Atoi(word)
	return n, err == nil && n >= 0 && strconv.Itoa(n) == word
}

// merge drops repeated targets, and workers of an app that is selected as a whole.
func merge(targets []status.Target) []status.Target {
	whole, seen := map[string]bool{}, map[status.Target]bool{}
	for _, t := range targets {
		if t.Instance == status.EveryWorker {
			whole[t.App] = true
		}
	}
	merged := make([]status.Target, 0, len(targets))
	for _, t := range targets {
		if seen[t] || t.Instance != status.EveryWorker && whole[t.App] {
			continue
		}
		seen[t] = true
		merged = append(merged, t)
	}
	return merged
}

func unknown(word string, apps []status.App) error {
	var names, spaces []string
	for _, a := range apps {
		names, spaces = append(names, a.Name), append(spaces, a.Namespace)
	}
	slices.Sort(names)
	return &UnknownTargetError{Word: word, Names: names, Near: spec.Nearest(word, slices.Concat(names, spaces, []string{"all"}))}
}

func instances(a status.App) []string {
	var names []string
	for _, w := range a.Workers {
		names = append(names, a.Name+"/"+strconv.Itoa(w.Instance))
	}
	return names
}
