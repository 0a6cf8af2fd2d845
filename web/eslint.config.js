import js from "@eslint/js";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config({ ignores: ["node_modules", "dist"] }, js.configs.recommended, {
  files: ["**/*.{ts,tsx}"],
  extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
  languageOptions: { parserOptions: { projectService: true } },
  plugins: { "react-hooks": hooks, "jsx-a11y": a11y },
  rules: {
    ...hooks.configs.recommended.rules,
    ...a11y.flatConfigs.recommended.rules,
    "react-hooks/incompatible-library": "off", // speaks to the React Compiler, which is not used
    "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
    "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    // What tools printed must never become markup.
    "no-restricted-syntax": [
      "error",
      { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: "text is text" },
      { selector: "MemberExpression[property.name=/^(innerHTML|outerHTML)$/]", message: "text is text" },
    ],
  },
});
