package command

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gorun/supervisor/control/client"
)

// isFile tells an ecosystem file, or a script, from what gorun knows by that
// word: an app's name goes before.
func (c *call) isFile(word string) bool {
	info, err := os.Stat(word)
	if err != nil || !info.Mode().IsRegular() || filepath.Ext(word) == "" {
		return false
	}
	known, err := c.client.Apps(c.ctx)
	return err != nil || !slices.ContainsFunc(known.Apps, func(a client.App) bool { return a.Name == word })
}

// revision completes a request by the file that is named, or leaves it gorun's
// own, and by the options.
func (c *call) revision(e client.Revision) (client.Revision, error) {
	e.Parallel, e.Only = c.Int("parallel"), c.only()
	if c.NArg() > 1 {
		return e, fmt.Errorf("name one file, not %d; %w", c.NArg(), errUsage)
	}
	if c.NArg() == 0 {
		return e, nil
	}
	var err error
	e.File, err = absolute(c.Args().First())
	return e, err
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
func (c *call) only() []string { return List(c.String("only")) }

// targets puts the apps of a file that gorun has in the place of its name.
func (c *call) targets(words []string) ([]string, error) {
	var all []string
	files := 0
	for _, word := range words {
		if !c.isFile(word) {
			all = append(all, word)
			continue
		}
		files++
		names, err := c.appsOf(word)
		if err != nil {
			return nil, err
		}
		all = append(all, names...)
	}
	if files == 0 && c.only() != nil {
		return nil, fmt.Errorf("--only chooses among the apps of a file, and none is named; %w", errUsage)
	}
	return all, nil
}

// appsOf returns the names of the apps of a file that gorun has.
func (c *call) appsOf(file string) ([]string, error) {
	path, err := absolute(file)
	if err != nil {
		return nil, err
	}
	changes, err := c.client.Plan(c.ctx, client.Revision{File: path, Only: c.only(), Partial: true})
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
		return nil, fmt.Errorf("%s: gorun has none of its apps: %s", file, strings.Join(unknown, ", "))
	}
	return names, nil
}
