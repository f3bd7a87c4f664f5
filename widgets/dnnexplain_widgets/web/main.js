export { arrange, breakLines, cellAt, gripAt, inPage, mount, number, snap, ticks };
