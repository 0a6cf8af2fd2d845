const SHOWN = 400; // lines
const TONES: Partial<Record<string, string>> = { "+": "tone-good", "-": "tone-bad", "~": "tone-ask" };

/** A diff as tools print it: the first letter of a line says what becomes of it. */
export function Diff({ text }: { text: string }) {
  const lines = text.split("\n");
  return (
    <pre className="diff mono">
      {lines.slice(0, SHOWN).map((line, at) => (
        <span key={at} className={TONES[line.trimStart()[0] ?? ""] ?? ""}>
          {line}
          {"\n"}
        </span>
      ))}
      {lines.length > SHOWN && `and ${lines.length - SHOWN} more lines`}
    </pre>
  );
}
