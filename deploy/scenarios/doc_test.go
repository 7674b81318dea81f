// Package scenarios_test runs the real gorun binary: as the first process of
// a PID namespace, as a subreaper and in containers. It holds a test for every
// case of a first process's duties, numbered as in the project's list.
//
// The scenarios need the build tag of their name: go test -tags scenarios
// ./deploy/scenarios. Without it there are the example of README and the checks
// of pages, rules and the dashboard.
package scenarios_test
