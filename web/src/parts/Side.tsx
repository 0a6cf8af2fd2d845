import { type ReactNode, useEffect, useRef } from "react";

/** What stands beside a picture; where there is no room beside it, below, and then it is brought into view. */
export function Side({ label, children }: { label: string; children: ReactNode }) {
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    const element = box.current;
    if (element && element.getBoundingClientRect().top > window.innerHeight * 0.7)
      element.scrollIntoView({ block: "center" });
  }, [label]);
  return (
    <aside className="side" aria-label={label} ref={box}>
      {children}
    </aside>
  );
}
