package main

import (
	"context"
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// limit is the time that Argo CD gives a script.
const limit = time.Second

// libraries are fewer than Argo CD opens for scripts of argocd-cm (it has a tame os and package,
// too): a script that runs here runs there.
var libraries = []struct {
	name string
	open lua.LGFunction
}{
	{lua.BaseLibName, lua.OpenBase},
	{lua.TabLibName, lua.OpenTable},
}

// runLua gives what the script returns, with the object as the global obj.
func runLua(script string, object map[string]any) verdict {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, one := range libraries {
		call := lua.P{Fn: state.NewFunction(one.open), NRet: 0, Protect: true}
		if err := state.CallByParam(call, lua.LString(one.name)); err != nil {
			return verdict{Error: err.Error()}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("obj", toLua(state, object))
	if err := state.DoString(script); err != nil {
		return verdict{Error: err.Error()}
	}
	returned := state.Get(-1)
	if returned.Type() != lua.LTTable {
		return verdict{Error: fmt.Sprintf("a script returns a table, not %s", returned.Type())}
	}
	value, err := fromLua(returned)
	if err != nil {
		return verdict{Error: err.Error()}
	}
	return verdict{Value: value}
}

func toLua(state *lua.LState, value any) lua.LValue {
	switch known := value.(type) {
	case bool:
		return lua.LBool(known)
	case int64:
		return lua.LNumber(known)
	case float64:
		return lua.LNumber(known)
	case string:
		return lua.LString(known)
	case []any:
		table := state.CreateTable(len(known), 0)
		for _, item := range known {
			table.Append(toLua(state, item))
		}
		return table
	case map[string]any:
		table := state.CreateTable(0, len(known))
		for key, item := range known {
			table.RawSetString(key, toLua(state, item))
		}
		return table
	}
	return lua.LNil
}

// fromLua is JSON as Argo CD makes it: a table whose first key is a number is an array, and so is
// an empty one, because Lua cannot tell an empty array from an empty object.
func fromLua(value lua.LValue) (any, error) {
	switch known := value.(type) {
	case lua.LBool:
		return bool(known), nil
	case lua.LNumber:
		return float64(known), nil
	case lua.LString:
		return string(known), nil
	case *lua.LNilType:
		return nil, nil
	case *lua.LTable:
		return fromTable(known)
	}
	return nil, fmt.Errorf("%s has no form in JSON", value.Type())
}

func fromTable(table *lua.LTable) (any, error) {
	first, _ := table.Next(lua.LNil)
	if _, named := first.(lua.LString); named {
		return fromObject(table)
	}
	items := make([]any, 0, table.Len())
	for number := 1; number <= table.Len(); number++ {
		item, err := fromLua(table.RawGetInt(number))
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func fromObject(table *lua.LTable) (any, error) {
	object := map[string]any{}
	for key, item := table.Next(lua.LNil); key != lua.LNil; key, item = table.Next(key) {
		name, named := key.(lua.LString)
		if !named {
			return nil, fmt.Errorf("a table with names and numbers as keys has no form in JSON")
		}
		value, err := fromLua(item)
		if err != nil {
			return nil, err
		}
		object[string(name)] = value
	}
	return object, nil
}
