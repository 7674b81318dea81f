package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gorun/supervisor/control/client"
)

// isFile reports whether a word names an ecosystem file or a script. The name of
// an app that gorun has goes before.
func (s *session) isFile(word string) bool {
	info, err := os.Stat(word)
	if err != nil || !info.Mode().IsRegular() || filepath.Ext(word) == "" {
		return false
	}
	known, err := s.client.Apps(s.ctx)
	return err != nil || !slices.ContainsFunc(known.Apps, func(a client.App) bool { return a.Name == word })
}

// revision completes a request by the file that is named, or leaves it gorun's
// own, and by the options.
func (s *session) revision(r client.Revision) (client.Revision, error) {
	r.Parallel, r.Only = s.args.Int("parallel"), s.only()
	if s.args.NArg() > 1 {
		return r, fmt.Errorf("name one file, not %d; %w", s.args.NArg(), errUsage)
	}
	if s.args.NArg() == 0 {
		return r, nil
	}
	var err error
	r.File, err = absolute(s.args.Args().First())
	return r, err
}

// absolute is for gorun, which has another working directory.
func absolute(file string) (string, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", file, err)
	}
	return path, nil
}

// only returns the apps and namespaces of a file that are meant; nil: all.
func (s *session) only() []string { return list(s.args.String("only")) }

// targets replaces the name of each file by the apps of it that gorun has.
func (s *session) targets(words []string) ([]string, error) {
	var all []string
	files := 0
	for _, word := range words {
		if !s.isFile(word) {
			all = append(all, word)
			continue
		}
		files++
		names, err := s.appsOf(word)
		if err != nil {
			return nil, err
		}
		all = append(all, names...)
	}
	if files == 0 && s.only() != nil {
		return nil, fmt.Errorf("--only chooses among the apps of a file, and no file is named; %w", errUsage)
	}
	return all, nil
}

// appsOf returns the names of the apps of a file that gorun has.
func (s *session) appsOf(file string) ([]string, error) {
	path, err := absolute(file)
	if err != nil {
		return nil, err
	}
	changes, err := s.client.Plan(s.ctx, client.Revision{File: path, Only: s.only(), Partial: true})
	if err != nil {
		return nil, err
	}
	var names, unknown []string
	for _, change := range changes {
		if change.What == "add" {
			unknown = append(unknown, change.App)
		} else {
			names = append(names, change.App)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: gorun runs none of its apps: %s", file, strings.Join(unknown, ", "))
	}
	return names, nil
}
