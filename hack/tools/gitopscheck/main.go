// Command gitopscheck says what Flux, kstatus and Argo CD's Lua make of Kubernetes objects.
//
// One JSON request on stdin, one JSON answer on stdout; verdicts come in the order of the objects.
// It starts no server, reads no cluster, and decides nothing itself: the libraries do.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

var version = "0.0.0"

const usage = "usage: gitopscheck --version | kstatus | flux | lua  < request.json"

// verdict is what one library makes of one object; Error where it refuses to say.
type verdict struct {
	Status  string `json:"status,omitempty"`
	Message string `json:"message,omitempty"`
	Value   any    `json:"value,omitempty"`
	Error   string `json:"error,omitempty"`
}

// request carries the objects, and what they are judged by.
type request struct {
	Objects     []json.RawMessage                `json:"objects"`
	Expressions kustomize.HealthCheckExpressions `json:"expressions"`
	Script      string                           `json:"script"`
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func run(arguments []string, in io.Reader, out io.Writer) error {
	if len(arguments) != 1 {
		return fmt.Errorf(usage)
	}
	if arguments[0] == "--version" {
		_, err := fmt.Fprintln(out, version)
		return err
	}
	var asked request
	if err := json.NewDecoder(in).Decode(&asked); err != nil {
		return fmt.Errorf("request: %w", err)
	}
	judge, err := judgeFor(arguments[0], asked)
	if err != nil {
		return err
	}
	verdicts := make([]verdict, 0, len(asked.Objects))
	for _, text := range asked.Objects {
		// as a client of the API server reads it: whole numbers are int64
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(text); err != nil {
			return fmt.Errorf("object: %w", err)
		}
		verdicts = append(verdicts, judge(object))
	}
	return json.NewEncoder(out).Encode(verdicts)
}

func judgeFor(name string, asked request) (func(*unstructured.Unstructured) verdict, error) {
	switch name {
	case "kstatus":
		return func(u *unstructured.Unstructured) verdict { return said(status.Compute(u)) }, nil
	case "flux":
		evaluator, err := cel.NewStatusEvaluator(&asked.Expressions)
		if err != nil {
			return nil, err
		}
		return func(u *unstructured.Unstructured) verdict {
			return said(evaluator.Evaluate(context.Background(), u))
		}, nil
	case "lua":
		return func(u *unstructured.Unstructured) verdict { return runLua(asked.Script, u.Object) }, nil
	}
	return nil, fmt.Errorf(usage)
}

func said(result *status.Result, err error) verdict {
	if err != nil {
		return verdict{Error: err.Error()}
	}
	return verdict{Status: string(result.Status), Message: result.Message}
}
