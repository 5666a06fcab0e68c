// Two rules of the house that oxlint does not have. oxlint asks for a default export.

interface SyntaxNode {
  readonly type: string;
  readonly name?: string;
  readonly callee?: SyntaxNode;
  readonly arguments?: readonly SyntaxNode[];
}

interface RuleContext {
  report(problem: { readonly message: string; readonly node: SyntaxNode }): void;
}

/** `new Date()` and `Date()` read the machine's clock; `new Date(instant)` reads none and is fine. */
const noDateOfToday = {
  create(context: RuleContext) {
    const look = (node: SyntaxNode): void => {
      const isDate = node.callee?.type === "Identifier" && node.callee.name === "Date";
      const readsClock = node.type === "CallExpression" || node.arguments?.length === 0;
      if (isDate && readsClock) context.report({ message: "Take the time from the clock.", node });
    };
    return { NewExpression: look, CallExpression: look };
  },
};

/** `export *` hides what a package exports. */
const noExportAll = {
  create(context: RuleContext) {
    return {
      ExportAllDeclaration(node: SyntaxNode): void {
        context.report({ message: "Export by name, so that the surface can be read.", node });
      },
    };
  },
};

export default {
  meta: { name: "heed" },
  rules: { "no-date-of-today": noDateOfToday, "no-export-all": noExportAll },
};
